"""Statistics of forecasts, one a file."""
