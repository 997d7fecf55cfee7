"""The configuration of one run, and the YAML that describes it: one dialect, one reader."""
