"""Bridges: other people's brokers that we listen at."""
