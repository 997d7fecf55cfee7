"""A small sweep in the surroundings that people have: `python -m tests.surroundings`."""
