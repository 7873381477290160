"""Backups: what is kept of a data folder elsewhere, each file once, whole or not at all."""
