"""Tests of what installations of other systems hold."""
