"""What others make of the same bytes; nothing of it is shipped, and each runs from a folder of its own."""
