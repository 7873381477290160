"""Errands: long work that somebody asked for, watches and may call off."""
