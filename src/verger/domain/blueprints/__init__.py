"""Blueprints: what a kind of place begins with, and which of it was laid where."""
