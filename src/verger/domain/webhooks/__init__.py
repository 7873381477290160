"""Calls of other programs that wait to be made, how those fare that are called, and what signs them."""
