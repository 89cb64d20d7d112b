"""The seeded market: prices, trades and funding as a pure function of seed, symbol and time."""
