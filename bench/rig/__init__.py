"""What the benches stand on: the machine, the load, and what is put under it."""
