"""The papers' data sets and other common ones, one module each, read from the published files."""
