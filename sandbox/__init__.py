"""A Binance-compatible exchange on localhost; imports nothing of ours, so that agreement with it proves something."""
