"""Verger looks after places: their devices, their history, and the people who share the work."""

__version__ = "0.1.0"
