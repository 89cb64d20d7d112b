-- Longer bars as the venue or a file gave them, of whole days: the latest revision, in natural units.
select
    b.instrument as instrument,
    i.venue as venue,
    i.symbol as symbol,
    b.interval_s as interval_s,
    b.ts_event as ts_event,
    b.ts_known as ts_known,
    {{ price('b.open') }} as open,
    {{ price('b.high') }} as high,
    {{ price('b.low') }} as low,
    {{ price('b.close') }} as close,
    {{ qty('b.volume') }} as volume,
    if(b.count < 0, null, b.count) as trades
from (
    select * from {{ source('base', 'bars') }}
    where interval_s != 60 and (instrument, toDate(ts_event), {{ bars_label('interval_s') }}) in (
        select instrument, day, dataset from {{ ref('staging_days') }} where is_whole
    )
    order by instrument, interval_s, ts_event, ts_known desc, ts_stored
    limit 1 by instrument, interval_s, ts_event
) as b
inner join {{ ref('staging_instruments') }} as i on i.instrument = b.instrument
