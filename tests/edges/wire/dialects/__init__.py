"""Tests of the dialects, with each family's own messages."""
