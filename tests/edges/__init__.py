"""Tests of verger.edges."""
