"""Devices: what they are, how they prove it, and what they measure."""
