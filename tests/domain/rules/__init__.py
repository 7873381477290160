"""Tests of verger.domain.rules."""
