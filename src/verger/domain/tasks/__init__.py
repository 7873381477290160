"""Tasks: what somebody should do, where, and by when."""
