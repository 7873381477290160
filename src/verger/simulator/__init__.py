"""Simulated devices: believable, the same for the same seed, and heard over real sockets."""
