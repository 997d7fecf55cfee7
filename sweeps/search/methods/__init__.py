"""The search methods, one file each, registered by name in `sweeps.search.METHODS`."""
