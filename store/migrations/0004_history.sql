-- Any dated number: ratios, indices, sentiment, on-chain. Instrument 0 stands for the whole market.
CREATE TABLE IF NOT EXISTS series (
    series LowCardinality(String),
    instrument UInt32,
    ts_event DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),                              -- ts_event plus the source's publication lag
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    value Float64,
    source LowCardinality(String)
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYear(ts_event)
ORDER BY (series, instrument, ts_event, ts_known);

-- Redenominations: from ts_event on, one old unit is numerator/denominator new ones. Applied on read, never stored.
CREATE TABLE IF NOT EXISTS adjustments (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    numerator Int64,
    denominator Int64,
    reason String
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (instrument, ts_event, ts_known);

-- How good a day is, in shares of one.
CREATE TABLE IF NOT EXISTS quality_scores (
    dataset LowCardinality(String),
    venue LowCardinality(String),
    day Date,
    completeness Float64,                                       -- rows that are there, of those that must be
    accuracy Float64,                                           -- rows that no rule of severity error accuses
    timeliness Float64,                                         -- instruments whole within the promised time
    instruments UInt32,
    rows UInt64,
    expected_rows UInt64,
    run_id String,
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (dataset, venue, day);

ALTER TABLE quotes ADD COLUMN IF NOT EXISTS source LowCardinality(String) DEFAULT 'live';
ALTER TABLE book_snapshots ADD COLUMN IF NOT EXISTS source LowCardinality(String) DEFAULT 'live';
ALTER TABLE book_deltas ADD COLUMN IF NOT EXISTS source LowCardinality(String) DEFAULT 'live';
ALTER TABLE ingest_log ADD COLUMN IF NOT EXISTS fingerprint String DEFAULT '';
