"""Derived metrics: numbers that are reckoned from what devices measure, and kept as series of their own."""
