"""Tests of verger.domain.derived."""
