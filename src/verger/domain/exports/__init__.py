"""Exports: readings as files that other programs read, kept for a while."""
