"""Dagster assets, thin: read, call the core, write, report metadata."""
