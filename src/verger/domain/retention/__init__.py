"""Retention: how long what was measured and said is kept."""
