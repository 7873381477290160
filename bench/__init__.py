"""Benchmarks: the whole path beside its references, with the load of our own generator."""
