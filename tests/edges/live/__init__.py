"""Tests of verger.edges.live."""
