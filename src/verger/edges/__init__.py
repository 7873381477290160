"""How the world reaches us and is reached; an edge never imports another."""
