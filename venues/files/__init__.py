"""Bulk files: one file a format, found by name, read in batches, every row exact or refused."""
