"""The noise-aware surface: mean scores compatible with the measured ones."""
