-- The latest revision of each open-interest figure of whole days, in contracts or base units.
{% set days = "select instrument, day from " ~ ref('staging_days') ~ " where dataset = 'open_interest' and is_whole" %}
select
    o.instrument as instrument,
    i.venue as venue,
    i.symbol as symbol,
    o.ts_event as ts_event,
    o.ts_known as ts_known,
    {{ qty('o.qty') }} as qty,
    o.day as day
from ({{ latest('open_interest', 'instrument, ts_event, ts_known, qty', 'instrument, ts_event', 'ts_event', days) }}) as o
inner join {{ ref('staging_instruments') }} as i on i.instrument = o.instrument
