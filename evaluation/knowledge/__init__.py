"""What a code knows about each labelled factor."""
