"""Storage: how the data folder grew, and when the disk will be full of it."""
