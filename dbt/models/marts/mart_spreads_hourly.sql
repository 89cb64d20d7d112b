-- Spreads by hour (UTC, time of reception), each quote weighted with the time it stood inside the hour. A quote stands
-- until the next one, at the longest to the end of its day; a book with one side only, or crossed, does not count.
{{ config(materialized='incremental', incremental_strategy='append', engine='MergeTree()',
    order_by='(instrument, ts_event)', partition_by='toYear(ts_event)', pre_hook="{{ drop_stale_days('quotes') }}") }}
with quotes as (
    select
        q.instrument as instrument, i.venue as venue, i.symbol as symbol, q.day as day, d.stored as day_stored,
        {{ price('q.bid_price') }} as bid, {{ price('q.ask_price') }} as ask,
        toUnixTimestamp64Nano(q.ts_recv) as began,
        leadInFrame(toUnixTimestamp64Nano(q.ts_recv), 1, toInt64(toUnixTimestamp(toDateTime(q.day + 1, 'UTC'))) * 1000000000) over (
            partition by q.instrument, q.day order by q.ts_recv, q.seq rows between current row and unbounded following
        ) as ended
    from ({{ latest('quotes', 'instrument, ts_recv, seq, bid_price, ask_price', 'instrument, ts_recv, seq', 'ts_recv', days_to_take('quotes')) }}) as q
    inner join {{ ref('staging_instruments') }} as i on i.instrument = q.instrument
    inner join (select instrument, day, stored from {{ ref('staging_days') }} where dataset = 'quotes' and is_whole) as d
        on d.instrument = q.instrument and d.day = q.day
),

pieces as (
    -- A quote that stands over the full hour is a piece in each hour.
    select
        *, arrayJoin(range(intDiv(began, 3600000000000), greatest(intDiv(began, 3600000000000), intDiv(ended - 1, 3600000000000)) + 1)) as hour,
        (least(ended, (hour + 1) * 3600000000000) - greatest(began, hour * 3600000000000)) / 1e9 as stood
    from quotes
    where bid > 0 and ask >= bid
)

select
    instrument, any(venue) as venue, any(symbol) as symbol,
    toDateTime(toUInt32(hour * 3600), 'UTC') as ts_event,
    sum((ask - bid) * stood) / nullIf(sum(stood), 0) as quoted_spread,
    sum((ask - bid) / ((ask + bid) / 2) * stood) / nullIf(sum(stood), 0) * 1e4 as relative_spread_bps,
    max((ask - bid) / ((ask + bid) / 2)) * 1e4 as widest_bps,
    countIf(began >= hour * 3600000000000) as quotes,
    sum(stood) as seconds,
    pieces.day as day, any(day_stored) as day_stored
from pieces
group by instrument, hour, day
