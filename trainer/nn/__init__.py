"""Layers for K models at once, and the stacks that architectures are built from."""
