"""Figures of a sweep, one file each, all `draw(...) -> Figure`; none needs a display."""
