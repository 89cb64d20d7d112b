"""Settings, the local stack, logging, metrics, mail. No trading knowledge."""
