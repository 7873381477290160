"""Growing cycles: what grows at a place, through which stages it goes, and what came of it."""
