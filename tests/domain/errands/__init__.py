"""Errands."""
