"""Tests of verger.edges.outside."""
