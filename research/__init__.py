"""Labels, training, validation, champion gate, statistics, parity."""
