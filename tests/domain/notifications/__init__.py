"""Tests of verger.domain.notifications."""
