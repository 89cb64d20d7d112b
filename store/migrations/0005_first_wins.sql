-- The tables of history, made again so that no merge changes what a reader gets:
-- of two rows with one key and one ts_known (two ingests of a day at once) the one stored first stays, and is the one
-- that readers take; quotes and books get revisions too (ts_known); retention counts from `kept_from`, so that rows
-- restored from the archive keep their ts_stored and still live on. Run it while nothing else writes.
DROP TABLE IF EXISTS bars_next SYNC;
CREATE TABLE bars_next (
    instrument UInt32,
    interval_s UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    open Int64 CODEC(Delta, ZSTD(1)),
    high Int64 CODEC(Delta, ZSTD(1)),
    low Int64 CODEC(Delta, ZSTD(1)),
    close Int64 CODEC(Delta, ZSTD(1)),
    volume Int64 CODEC(T64, ZSTD(1)),
    count Int64 CODEC(T64, ZSTD(1)),  -- trades in it, -1 where the source does not tell
    source LowCardinality(String),
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts_event)
ORDER BY (instrument, interval_s, ts_event, ts_known)
TTL kept_from + INTERVAL 3650 DAY;
INSERT INTO bars_next (instrument, interval_s, ts_event, ts_known, ts_stored, open, high, low, close, volume, count, source)
SELECT instrument, interval_s, ts_event, ts_known, ts_stored, open, high, low, close, volume, count, source FROM bars
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES bars AND bars_next;
DROP TABLE bars_next SYNC;

DROP TABLE IF EXISTS trades_next SYNC;
CREATE TABLE trades_next (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    trade_id Int64 CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    price Int64 CODEC(Delta, ZSTD(1)),
    qty Int64 CODEC(T64, ZSTD(1)),
    side Enum8('none' = 0, 'buy' = 1, 'sell' = 2),
    flags UInt16,
    source LowCardinality(String),
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts_event)
ORDER BY (instrument, ts_event, trade_id, ts_known)
TTL kept_from + INTERVAL 365 DAY;
INSERT INTO trades_next (instrument, ts_event, trade_id, ts_known, ts_stored, price, qty, side, flags, source)
SELECT instrument, ts_event, trade_id, ts_known, ts_stored, price, qty, side, flags, source FROM trades
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES trades AND trades_next;
DROP TABLE trades_next SYNC;

DROP TABLE IF EXISTS quotes_next SYNC;
CREATE TABLE quotes_next (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_recv DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') DEFAULT ts_recv CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    bid_price Int64 CODEC(Delta, ZSTD(1)),
    bid_qty Int64 CODEC(T64, ZSTD(1)),
    ask_price Int64 CODEC(Delta, ZSTD(1)),
    ask_qty Int64 CODEC(T64, ZSTD(1)),
    source LowCardinality(String) DEFAULT 'live',
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts_recv)
ORDER BY (instrument, ts_recv, seq, ts_known)
TTL kept_from + INTERVAL 365 DAY;
INSERT INTO quotes_next (instrument, ts_event, ts_recv, seq, ts_stored, bid_price, bid_qty, ask_price, ask_qty, source)
SELECT instrument, ts_event, ts_recv, seq, ts_stored, bid_price, bid_qty, ask_price, ask_qty, source FROM quotes
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES quotes AND quotes_next;
DROP TABLE quotes_next SYNC;

DROP TABLE IF EXISTS book_snapshots_next SYNC;
CREATE TABLE book_snapshots_next (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_recv DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq Int64,
    ts_known DateTime64(9, 'UTC') DEFAULT ts_recv CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    bids Array(Tuple(price Int64, qty Int64)),
    asks Array(Tuple(price Int64, qty Int64)),
    source LowCardinality(String) DEFAULT 'live',
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts_recv)
ORDER BY (instrument, ts_recv, seq, ts_known)
TTL kept_from + INTERVAL 365 DAY;
INSERT INTO book_snapshots_next (instrument, ts_event, ts_recv, seq, ts_stored, bids, asks, source)
SELECT instrument, ts_event, ts_recv, seq, ts_stored, bids, asks, source FROM book_snapshots
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES book_snapshots AND book_snapshots_next;
DROP TABLE book_snapshots_next SYNC;

DROP TABLE IF EXISTS book_deltas_next SYNC;
CREATE TABLE book_deltas_next (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_recv DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    first_seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    last_seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    side Enum8('none' = 0, 'buy' = 1, 'sell' = 2),
    price Int64 CODEC(Delta, ZSTD(1)),
    qty Int64 CODEC(T64, ZSTD(1)),
    flags UInt16,
    ts_known DateTime64(9, 'UTC') DEFAULT ts_recv CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    source LowCardinality(String) DEFAULT 'live',
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts_recv)
ORDER BY (instrument, ts_recv, last_seq, side, price, ts_known)
TTL kept_from + INTERVAL 365 DAY;
INSERT INTO book_deltas_next (instrument, ts_event, ts_recv, first_seq, last_seq, side, price, qty, flags, ts_stored, source)
SELECT instrument, ts_event, ts_recv, first_seq, last_seq, side, price, qty, flags, ts_stored, source FROM book_deltas
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES book_deltas AND book_deltas_next;
DROP TABLE book_deltas_next SYNC;

DROP TABLE IF EXISTS funding_rates_next SYNC;
CREATE TABLE funding_rates_next (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    rate Int64,  -- 10^-12
    mark_price Int64,  -- 0 where the venue gives none
    source LowCardinality(String),
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYear(ts_event)
ORDER BY (instrument, ts_event, ts_known)
TTL kept_from + INTERVAL 3650 DAY;
INSERT INTO funding_rates_next (instrument, ts_event, ts_known, ts_stored, rate, mark_price, source)
SELECT instrument, ts_event, ts_known, ts_stored, rate, mark_price, source FROM funding_rates
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES funding_rates AND funding_rates_next;
DROP TABLE funding_rates_next SYNC;

DROP TABLE IF EXISTS open_interest_next SYNC;
CREATE TABLE open_interest_next (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    qty Int64,
    source LowCardinality(String),
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYear(ts_event)
ORDER BY (instrument, ts_event, ts_known)
TTL kept_from + INTERVAL 3650 DAY;
INSERT INTO open_interest_next (instrument, ts_event, ts_known, ts_stored, qty, source)
SELECT instrument, ts_event, ts_known, ts_stored, qty, source FROM open_interest
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES open_interest AND open_interest_next;
DROP TABLE open_interest_next SYNC;

DROP TABLE IF EXISTS series_next SYNC;
CREATE TABLE series_next (
    series LowCardinality(String),
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    value Float64,
    source LowCardinality(String),
    kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1)),  -- what retention counts from
    first_wins Int64 MATERIALIZED -toUnixTimestamp64Nano(ts_stored) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYear(ts_event)
ORDER BY (series, instrument, ts_event, ts_known);
INSERT INTO series_next (series, instrument, ts_event, ts_known, ts_stored, value, source)
SELECT series, instrument, ts_event, ts_known, ts_stored, value, source FROM series
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES series AND series_next;
DROP TABLE series_next SYNC;

ALTER TABLE features ADD COLUMN IF NOT EXISTS kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1));
ALTER TABLE labels ADD COLUMN IF NOT EXISTS kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1));
ALTER TABLE predictions ADD COLUMN IF NOT EXISTS kept_from DateTime('UTC') DEFAULT toDateTime(ts_stored) CODEC(ZSTD(1));

-- The views choose as the readers do.

CREATE OR REPLACE VIEW bars_readable AS
SELECT
    i.venue AS venue, i.symbol AS symbol, b.interval_s AS interval_s, b.ts_event AS ts_event, b.ts_known AS ts_known,
    CAST(b.open AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS open,
    CAST(b.high AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS high,
    CAST(b.low AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS low,
    CAST(b.close AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS close,
    CAST(b.volume AS Decimal(38, 12)) / CAST(exp10(i.qty_scale) AS Decimal(38, 0)) AS volume
FROM (
    SELECT * FROM bars ORDER BY instrument, interval_s, ts_event, ts_known DESC, ts_stored
    LIMIT 1 BY instrument, interval_s, ts_event
) AS b
INNER JOIN (SELECT * FROM instruments ORDER BY id, ts_known DESC, ts_stored DESC LIMIT 1 BY id) AS i
    ON i.id = b.instrument;

CREATE OR REPLACE VIEW trades_readable AS
SELECT
    i.venue AS venue, i.symbol AS symbol, t.ts_event AS ts_event, t.trade_id AS trade_id, t.side AS side,
    CAST(t.price AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS price,
    CAST(t.qty AS Decimal(38, 12)) / CAST(exp10(i.qty_scale) AS Decimal(38, 0)) AS qty
FROM (
    SELECT * FROM trades ORDER BY instrument, ts_event, trade_id, ts_known DESC, ts_stored
    LIMIT 1 BY instrument, ts_event, trade_id
) AS t
INNER JOIN (SELECT * FROM instruments ORDER BY id, ts_known DESC, ts_stored DESC LIMIT 1 BY id) AS i
    ON i.id = t.instrument;
