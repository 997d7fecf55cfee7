"""Trials on Ray: the cluster, what runs on its workers, and how they are stopped."""
