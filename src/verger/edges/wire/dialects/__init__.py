"""Dialects: one family's wire language each, read into what was said and written from what is ordered."""
