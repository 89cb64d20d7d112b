-- The latest revision of each trade of whole days, in the units of the quote and base currency.
{% set days = "select instrument, day from " ~ ref('staging_days') ~ " where dataset = 'trades' and is_whole" %}
select
    t.instrument as instrument,
    i.venue as venue,
    i.symbol as symbol,
    t.ts_event as ts_event,
    t.trade_id as trade_id,
    {{ price('t.price') }} as price,
    {{ qty('t.qty') }} as qty,
    toString(t.side) as side,
    t.day as day
from ({{ latest('trades', 'instrument, ts_event, trade_id, price, qty, side', 'instrument, ts_event, trade_id', 'ts_event', days) }}) as t
inner join {{ ref('staging_instruments') }} as i on i.instrument = t.instrument
