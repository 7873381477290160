"""Deletions: what was deleted for good, by whom and when, so that it stays so."""
