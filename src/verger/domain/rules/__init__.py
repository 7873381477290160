"""Rules: what should follow when a value leaves its band, something happens, or a time has come."""
