"""Tests of what joins all parts."""
