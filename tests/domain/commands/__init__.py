"""Tests of verger.domain.commands."""
