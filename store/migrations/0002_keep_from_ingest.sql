-- Retention counts from the day we stored a row, not from its event: a backfill older than the limit would
-- otherwise vanish in silence at the moment it is inserted.

ALTER TABLE bars MODIFY TTL toDateTime(ts_stored) + INTERVAL 10 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE trades MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE quotes MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE book_snapshots MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE book_deltas MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE funding_rates MODIFY TTL toDateTime(ts_stored) + INTERVAL 10 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE open_interest MODIFY TTL toDateTime(ts_stored) + INTERVAL 10 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE features MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE labels MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE predictions MODIFY TTL toDateTime(ts_stored) + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0;
