"""Tests of verger.domain.telemetry."""
