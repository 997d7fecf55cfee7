"""The noise-aware surface: what the scores allow the mean score to be."""
