"""Tallies: counters of devices, against what the devices told of one by one."""
