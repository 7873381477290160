"""Telemetry: the words that devices say, and the log that keeps them."""
