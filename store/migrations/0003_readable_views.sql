-- For people: the latest revision, with the symbol, prices and quantities as decimals. Programs read the tables.

CREATE OR REPLACE VIEW bars_readable AS
SELECT
    i.venue AS venue, i.symbol AS symbol, b.interval_s AS interval_s, b.ts_event AS ts_event, b.ts_known AS ts_known,
    CAST(b.open AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS open,
    CAST(b.high AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS high,
    CAST(b.low AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS low,
    CAST(b.close AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS close,
    CAST(b.volume AS Decimal(38, 12)) / CAST(exp10(i.qty_scale) AS Decimal(38, 0)) AS volume
FROM (
    SELECT * FROM bars ORDER BY instrument, interval_s, ts_event, ts_known DESC, ts_stored DESC
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
    SELECT * FROM trades ORDER BY instrument, ts_event, trade_id, ts_known DESC, ts_stored DESC
    LIMIT 1 BY instrument, ts_event, trade_id
) AS t
INNER JOIN (SELECT * FROM instruments ORDER BY id, ts_known DESC, ts_stored DESC LIMIT 1 BY id) AS i
    ON i.id = t.instrument;

CREATE OR REPLACE VIEW fills_readable AS
SELECT
    f.venue AS venue, f.account AS account, i.symbol AS symbol, f.ts_event AS ts_event, f.order_id AS order_id,
    f.trade_id AS trade_id, f.side AS side, f.liquidity AS liquidity, f.strategy AS strategy,
    CAST(f.price AS Decimal(38, 12)) / CAST(exp10(i.price_scale) AS Decimal(38, 0)) AS price,
    CAST(f.qty AS Decimal(38, 12)) / CAST(exp10(i.qty_scale) AS Decimal(38, 0)) AS qty,
    CAST(f.fee AS Decimal(38, 12)) / CAST(100000000 AS Decimal(38, 0)) AS fee, f.fee_asset AS fee_asset
FROM (
    SELECT * FROM fills ORDER BY venue, account, instrument, trade_id, ts_stored DESC
    LIMIT 1 BY venue, account, instrument, trade_id
) AS f
INNER JOIN (SELECT * FROM instruments ORDER BY id, ts_known DESC, ts_stored DESC LIMIT 1 BY id) AS i
    ON i.id = f.instrument;
