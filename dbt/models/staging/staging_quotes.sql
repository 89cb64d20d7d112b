-- Best bid and ask of whole days by their time of reception, in natural units.
{% set days = "select instrument, day from " ~ ref('staging_days') ~ " where dataset = 'quotes' and is_whole" %}
select
    q.instrument as instrument,
    i.venue as venue,
    i.symbol as symbol,
    q.ts_event as ts_event,
    q.ts_recv as ts_recv,
    q.seq as seq,
    {{ price('q.bid_price') }} as bid,
    {{ qty('q.bid_qty') }} as bid_qty,
    {{ price('q.ask_price') }} as ask,
    {{ qty('q.ask_qty') }} as ask_qty,
    q.day as day
from ({{ latest('quotes', 'instrument, ts_event, ts_recv, seq, bid_price, bid_qty, ask_price, ask_qty', 'instrument, ts_recv, seq', 'ts_recv', days) }}) as q
inner join {{ ref('staging_instruments') }} as i on i.instrument = q.instrument
