"""Shedding: what is cut off, in which order, when more flows through a meter than may."""
