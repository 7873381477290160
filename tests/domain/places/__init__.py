"""Tests of verger.domain.places."""
