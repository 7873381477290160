"""Tests of verger.domain.alerts."""
