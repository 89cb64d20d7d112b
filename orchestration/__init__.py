"""Dagster definitions: resources, partitions, jobs, schedules, sensors."""
