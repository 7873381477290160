"""Notifications: what is told to people, by which ways it reaches them, and how far it came."""
