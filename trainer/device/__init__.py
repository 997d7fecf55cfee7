"""What depends on the device: precision, CUDA graphs, the allocator."""
