"""Checks between datasets, scores and repair as Dagster assets, checks and jobs."""
