"""Where a store keeps its bytes: a folder or S3, with a lock or a lease and a local mirror."""
