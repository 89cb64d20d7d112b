"""Strategies, one a file, registered by name."""
