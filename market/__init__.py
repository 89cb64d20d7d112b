"""Pure: instruments through time, the event record, order book, bars, time, fee models."""
