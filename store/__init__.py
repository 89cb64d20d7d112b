"""Our stores: ClickHouse schema and readers, ingest log, feature store, Redis state."""
