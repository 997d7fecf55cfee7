"""One setting over all its seeds: its score, whatever else is known about it, and its name."""
