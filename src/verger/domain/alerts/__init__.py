"""Alerts: a condition that a person should know of, from its opening until it is over."""
