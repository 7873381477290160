"""Bridges: Verger as a client of somebody else's broker."""
