"""Tests of verger.domain.messages."""
