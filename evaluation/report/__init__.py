"""The report of a sweep: one HTML page and its figures."""
