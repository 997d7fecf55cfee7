"""File formats of images and labels, read into arrays."""
