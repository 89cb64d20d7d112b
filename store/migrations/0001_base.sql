-- Base tables. Prices and quantities are int64 in 10^-scale of the instrument's life; times are UTC nanoseconds.
-- Three clocks: ts_event (at the venue), ts_known (when anyone could first have known), ts_stored (when we wrote).
-- A revision is a new row with a later ts_known; the same page twice is the same key and merges away.
-- Statements end with a semicolon at the end of a line; every one can run twice.

CREATE TABLE IF NOT EXISTS instruments (
    id UInt32,
    venue LowCardinality(String),
    symbol String,
    venue_symbol String,
    kind Enum8('spot' = 1, 'linear' = 2, 'inverse' = 3),
    base LowCardinality(String),
    quote LowCardinality(String),
    settle LowCardinality(String),
    price_scale UInt8,
    qty_scale UInt8,
    contract_size Int64,
    valid_from DateTime64(9, 'UTC'),
    valid_to DateTime64(9, 'UTC') DEFAULT 0,
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (id, ts_known);

CREATE TABLE IF NOT EXISTS trading_rules (
    instrument UInt32,
    tick Int64,
    lot Int64,
    min_qty Int64,
    max_qty Int64,
    min_notional Int64,
    maker_fee_ppm Int32,
    taker_fee_ppm Int32,
    status Enum8('trading' = 1, 'halted' = 2, 'delisted' = 3),
    valid_from DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (instrument, valid_from, ts_known);

CREATE TABLE IF NOT EXISTS bars (
    instrument UInt32,
    interval_s UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),  -- the bar's open
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),  -- its close, or when a revision was first seen
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    open Int64 CODEC(Delta, ZSTD(1)),
    high Int64 CODEC(Delta, ZSTD(1)),
    low Int64 CODEC(Delta, ZSTD(1)),
    close Int64 CODEC(Delta, ZSTD(1)),
    volume Int64 CODEC(T64, ZSTD(1)),
    count Int64 CODEC(T64, ZSTD(1)),                            -- trades in it, 0 where the source gives none
    source LowCardinality(String)
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_event)
ORDER BY (instrument, interval_s, ts_event, ts_known)
TTL toDateTime(ts_event) + INTERVAL 10 YEAR;

CREATE TABLE IF NOT EXISTS trades (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    trade_id Int64 CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    price Int64 CODEC(Delta, ZSTD(1)),
    qty Int64 CODEC(T64, ZSTD(1)),
    side Enum8('none' = 0, 'buy' = 1, 'sell' = 2),              -- the aggressor's
    flags UInt16,
    source LowCardinality(String)
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_event)
ORDER BY (instrument, ts_event, trade_id, ts_known)
TTL toDateTime(ts_event) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS quotes (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_recv DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    bid_price Int64 CODEC(Delta, ZSTD(1)),
    bid_qty Int64 CODEC(T64, ZSTD(1)),
    ask_price Int64 CODEC(Delta, ZSTD(1)),
    ask_qty Int64 CODEC(T64, ZSTD(1))
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_recv)
ORDER BY (instrument, ts_recv, seq)
TTL toDateTime(ts_recv) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS book_snapshots (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_recv DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq Int64,
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    bids Array(Tuple(price Int64, qty Int64)),
    asks Array(Tuple(price Int64, qty Int64))
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_recv)
ORDER BY (instrument, ts_recv, seq)
TTL toDateTime(ts_recv) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS book_deltas (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_recv DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    first_seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    last_seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    side Enum8('none' = 0, 'buy' = 1, 'sell' = 2),
    price Int64 CODEC(Delta, ZSTD(1)),
    qty Int64 CODEC(T64, ZSTD(1)),
    flags UInt16,
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_recv)
ORDER BY (instrument, ts_recv, last_seq, side, price)
TTL toDateTime(ts_recv) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS funding_rates (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    rate Int64,                                                 -- 10^-12
    mark_price Int64,                                           -- 0 where the venue gives none
    source LowCardinality(String)
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYear(ts_event)
ORDER BY (instrument, ts_event, ts_known)
TTL toDateTime(ts_event) + INTERVAL 10 YEAR;

CREATE TABLE IF NOT EXISTS open_interest (
    instrument UInt32,
    ts_event DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    qty Int64,
    source LowCardinality(String)
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYear(ts_event)
ORDER BY (instrument, ts_event, ts_known)
TTL toDateTime(ts_event) + INTERVAL 10 YEAR;

CREATE TABLE IF NOT EXISTS features (
    feature_group LowCardinality(String),
    version UInt32,
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq Int64 CODEC(DoubleDelta, ZSTD(1)),                      -- the event that made the row, e.g. the trade id
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    vector Array(Float64) CODEC(ZSTD(1))                        -- in the order of the group's names
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_event)
ORDER BY (feature_group, version, instrument, ts_event, seq, ts_known)
TTL toDateTime(ts_event) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS feature_state (
    feature_group LowCardinality(String),
    version UInt32,
    instrument UInt32,
    day Date,                                                   -- the state after this day's last event
    last_event DateTime64(9, 'UTC'),
    last_seq Int64,
    state String CODEC(ZSTD(1)),                                -- the kernel's state array, raw bytes
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (feature_group, version, instrument, day);

CREATE TABLE IF NOT EXISTS labels (
    label LowCardinality(String),
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),  -- start of the label's interval
    seq Int64 CODEC(DoubleDelta, ZSTD(1)),
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),  -- its end: known only then
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9) CODEC(DoubleDelta, ZSTD(1)),
    value Float64
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_event)
ORDER BY (label, instrument, ts_event, seq, ts_known)
TTL toDateTime(ts_event) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS predictions (
    model LowCardinality(String),
    model_version UInt32,
    instrument UInt32,
    ts_event DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq Int64,
    ts_known DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    value Float64
) ENGINE = ReplacingMergeTree(ts_stored) PARTITION BY toYYYYMM(ts_event)
ORDER BY (model, model_version, instrument, ts_event, seq)
TTL toDateTime(ts_event) + INTERVAL 1 YEAR;

CREATE TABLE IF NOT EXISTS order_events (
    account LowCardinality(String),
    journal_seq UInt64,                                         -- position in the journal that holds it
    order_id String,
    ts_event DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    instrument UInt32,
    strategy LowCardinality(String),
    event LowCardinality(String),
    state LowCardinality(String),
    side Enum8('none' = 0, 'buy' = 1, 'sell' = 2),
    price Int64,
    qty Int64,
    filled Int64,
    reason String,
    payload String,                                             -- the journal record as JSON
    hash String                                                 -- its link in the hash chain, hex
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (account, journal_seq);

CREATE TABLE IF NOT EXISTS fills (
    venue LowCardinality(String),
    account LowCardinality(String),
    instrument UInt32,
    trade_id String,
    order_id String,
    side Enum8('none' = 0, 'buy' = 1, 'sell' = 2),
    price Int64,
    qty Int64,
    fee Int64,                                                  -- 10^-8 of fee_asset; negative is a rebate
    fee_asset LowCardinality(String),
    liquidity Enum8('none' = 0, 'maker' = 1, 'taker' = 2),
    strategy LowCardinality(String),
    ts_event DateTime64(9, 'UTC'),
    ts_known DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (venue, account, instrument, trade_id);

CREATE TABLE IF NOT EXISTS positions (
    account LowCardinality(String),
    instrument UInt32,
    strategy LowCardinality(String),                            -- '' for the account's net position
    ts_event DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    qty Int64,                                                  -- signed
    average_price Int64,
    realised_pnl Int64,                                         -- 10^-8 of the settlement currency
    unrealised_pnl Int64,
    fees Int64,
    mark_price Int64
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (account, instrument, strategy, ts_event);

CREATE TABLE IF NOT EXISTS risk_events (
    ts_event DateTime64(9, 'UTC'),
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9),
    account LowCardinality(String),
    level Enum8('info' = 1, 'warning' = 2, 'error' = 3, 'critical' = 4),
    code LowCardinality(String),
    instrument UInt32,
    strategy LowCardinality(String),
    detail String                                               -- key=value context
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (account, ts_event, code, instrument, strategy, detail);

CREATE TABLE IF NOT EXISTS quality_results (
    dataset LowCardinality(String),
    venue LowCardinality(String),
    instrument UInt32,
    day Date,
    check_name LowCardinality(String),
    severity Enum8('info' = 1, 'warning' = 2, 'error' = 3),
    passed Bool,
    observed String,
    expected String,
    failing_rows UInt64,
    run_id String,
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = MergeTree ORDER BY (dataset, venue, instrument, day, check_name, ts_stored);

CREATE TABLE IF NOT EXISTS quarantine (
    dataset LowCardinality(String),
    venue LowCardinality(String),
    instrument UInt32,
    day Date,
    reason LowCardinality(String),
    row_key String,
    source LowCardinality(String),
    payload String,                                             -- the row as it came, or the source bytes
    run_id String,
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(ts_stored) ORDER BY (dataset, venue, instrument, day, reason, row_key, source);

CREATE TABLE IF NOT EXISTS ingest_log (
    dataset LowCardinality(String),
    venue LowCardinality(String),
    instrument UInt32,
    day Date,
    state Enum8('complete' = 1, 'verified_empty' = 2, 'partial' = 3, 'missing' = 4, 'quarantined' = 5),
    rows UInt64,
    content_hash String,                                        -- of the rows in key order, without ts_stored
    source LowCardinality(String),
    run_id String,
    detail String,
    ts_stored DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = MergeTree ORDER BY (dataset, venue, instrument, day, ts_stored);
