"""Sprites drawn from their geometry."""
