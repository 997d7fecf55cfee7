"""What one run is, and the YAML that describes it: one dialect, one reader."""
