"""Tests of verger.domain.tallies."""
