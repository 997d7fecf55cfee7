"""The papers' and other common data sets, one module each, read from the files as published."""
