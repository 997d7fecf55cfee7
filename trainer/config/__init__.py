"""What one run is, and the YAML that says it: one dialect, one reader."""
