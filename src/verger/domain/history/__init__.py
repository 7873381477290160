"""History: every reading ever heard, by series number: hot in memory, then in compressed chunks on disk."""
