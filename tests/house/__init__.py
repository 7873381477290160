"""How the house is kept: the rules for the whole tree, as pure functions that are tested themselves."""
