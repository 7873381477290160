"""Tests of verger.domain.history."""
