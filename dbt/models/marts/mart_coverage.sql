-- The state of every dataset, instrument and day between the first and the last day the ingest log knows of the two;
-- a day in between that nobody has asked for is `missing`.
with spans as (
    select dataset, instrument, any(venue) as venue, arrayJoin(arrayMap(n -> toDate(n), range(toUInt32(min(day)), toUInt32(max(day)) + 1))) as day
    from {{ ref('staging_days') }}
    group by dataset, instrument
)

select
    s.dataset as dataset, s.venue as venue, s.instrument as instrument,
    if(i.instrument = 0, '', i.symbol) as symbol,
    s.day as day,
    if(d.dataset = '', 'missing', d.state) as state,
    d.rows as rows, d.source as source, d.detail as detail, d.run_id as run_id,
    if(d.dataset = '', null, d.stored) as stored
from spans as s
left join {{ ref('staging_days') }} as d on d.dataset = s.dataset and d.instrument = s.instrument and d.day = s.day
left join {{ ref('staging_instruments') }} as i on i.instrument = s.instrument
order by dataset, instrument, day
