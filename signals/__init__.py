"""Pure: features, models (inference) and strategies, from events to target positions in risk units."""
