-- The latest revision of each one-minute bar, in the units of the quote and base currency.
select
    bars.instrument as instrument,
    instruments.venue as venue,
    instruments.symbol as symbol,
    bars.ts_event as ts_event,
    bars.ts_known as ts_known,
    bars.open * instruments.price_unit as open,
    bars.high * instruments.price_unit as high,
    bars.low * instruments.price_unit as low,
    bars.close * instruments.price_unit as close,
    bars.volume * instruments.qty_unit as volume
from (
    select instrument, ts_event, ts_known, open, high, low, close, volume
    from {{ source('base', 'bars') }}
    where interval_s = 60
    order by instrument, interval_s, ts_event, ts_known desc, ts_stored desc
    limit 1 by instrument, ts_event
) as bars
inner join {{ ref('staging_instruments') }} as instruments on instruments.instrument = bars.instrument
