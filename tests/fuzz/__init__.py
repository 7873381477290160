"""Bytes that nobody meant, made up by a fuzzer that sees which code they reach."""
