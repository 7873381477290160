"""Commands: what devices were asked to do, and what they proved of it."""
