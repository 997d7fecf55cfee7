"""Ray: its own process, the cluster, what is sent to its nodes, and sweeps as jobs."""
