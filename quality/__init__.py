"""Expectation suites, scores, quarantine, alerts."""
