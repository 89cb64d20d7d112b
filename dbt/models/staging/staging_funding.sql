-- The latest revision of each funding settlement of whole days: the rate as a fraction, the mark price in natural units.
{% set days = "select instrument, day from " ~ ref('staging_days') ~ " where dataset = 'funding_rates' and is_whole" %}
select
    f.instrument as instrument,
    i.venue as venue,
    i.symbol as symbol,
    f.ts_event as ts_event,
    f.ts_known as ts_known,
    f.rate / 1e12 as rate,
    if(f.mark_price = 0, null, {{ price('f.mark_price') }}) as mark_price,
    f.day as day
from ({{ latest('funding_rates', 'instrument, ts_event, ts_known, rate, mark_price', 'instrument, ts_event', 'ts_event', days) }}) as f
inner join {{ ref('staging_instruments') }} as i on i.instrument = f.instrument
