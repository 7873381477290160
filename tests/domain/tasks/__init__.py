"""Tests of verger.domain.tasks."""
