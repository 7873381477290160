"""Imports: readings from files that people bring."""
