"""The search methods, one file each, by the names in `sweeps.search.METHODS`."""
