"""Tests of verger.domain.devices."""
