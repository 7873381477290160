"""Tests: the tree mirrors src/verger; a test's name is a sentence."""
