"""Feature kernels, one group a file, registered by name."""
