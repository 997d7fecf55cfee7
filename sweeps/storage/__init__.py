"""Where a store keeps its bytes: a folder or S3, with locks or leases and a local mirror."""
