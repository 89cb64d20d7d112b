-- The trades of whole days in one row a day: how many, how much, and the buyers' share.
{{ config(materialized='incremental', incremental_strategy='append', engine='MergeTree()',
    order_by='(instrument, day)', pre_hook="{{ drop_stale_days('trades') }}") }}
select
    t.instrument as instrument,
    any(i.venue) as venue,
    any(i.symbol) as symbol,
    t.day as day,
    count() as trades,
    sum({{ qty('t.qty') }}) as volume,
    sum({{ turnover(price('t.price'), qty('t.qty')) }}) as turnover,
    sum({{ price('t.price') }} * t.qty) / nullIf(sum(t.qty), 0) as vwap,
    sumIf(t.qty, t.side = 'buy') / nullIf(sumIf(t.qty, t.side != 'none'), 0) as buyers_share,
    any(d.stored) as day_stored
from ({{ latest('trades', 'instrument, ts_event, trade_id, price, qty, side', 'instrument, ts_event, trade_id', 'ts_event', days_to_take('trades')) }}) as t
inner join {{ ref('staging_instruments') }} as i on i.instrument = t.instrument
inner join (select instrument, day, stored from {{ ref('staging_days') }} where dataset = 'trades' and is_whole) as d
    on d.instrument = t.instrument and d.day = t.day
group by instrument, day
