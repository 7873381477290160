"""Tests of verger.domain."""
