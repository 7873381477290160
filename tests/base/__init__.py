"""Tests of the tools that know no word of the product."""
