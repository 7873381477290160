"""Tests of verger.flows."""
