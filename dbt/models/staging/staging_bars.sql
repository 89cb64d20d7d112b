-- The latest revision of each one-minute bar of whole days, in the units of the quote and base currency.
{% set days = "select instrument, day from " ~ ref('staging_days') ~ " where dataset = 'bars' and is_whole" %}
select
    b.instrument as instrument,
    i.venue as venue,
    i.symbol as symbol,
    b.ts_event as ts_event,
    b.ts_known as ts_known,
    {{ price('b.open') }} as open,
    {{ price('b.high') }} as high,
    {{ price('b.low') }} as low,
    {{ price('b.close') }} as close,
    {{ qty('b.volume') }} as volume,
    if(b.count < 0, null, b.count) as trades,
    b.day as day
from ({{ latest_minutes(days) }}) as b
inner join {{ ref('staging_instruments') }} as i on i.instrument = b.instrument
