"""What goes wrong outside: power, disk, clock and network; afterwards all that was acknowledged is there, each once."""
