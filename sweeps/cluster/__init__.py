"""Ray: its own process, the cluster, what its nodes are sent, and sweeps as jobs on it."""
