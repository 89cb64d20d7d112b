-- What a day's minutes say beside its bar: volume-weighted price, realised volatility, and the turnover as it was known
-- when the day had ended: a minute revised later counts there with its first values, one that came later not at all.
{{ config(materialized='incremental', incremental_strategy='append', engine='MergeTree()',
    order_by='(instrument, day)', pre_hook="{{ drop_stale_days('bars') }}") }}
{% set days = days_to_take('bars') %}
with now as (
    select
        instrument, day, any(day_stored) as day_stored,
        sum(turnover) as turnover,
        sum((high + low + close) / 3 * volume) / nullIf(sum(volume), 0) as vwap,
        sqrt(sum(log_return * log_return)) as realised_volatility
    from (
        select *, log(close / lagInFrame(close, 1, open) over (
            partition by instrument, day order by ts_open rows between unbounded preceding and current row
        )) as log_return
        from ({{ minute_bars(days) }})
    )
    group by instrument, day
),

then as (
    select
        b.instrument as instrument, b.day as day,
        sum({{ turnover(price('(b.high + b.low + b.close) / 3'), qty('b.volume')) }}) as turnover
    from ({{ latest('bars', 'instrument, ts_event, high, low, close, volume', 'instrument, interval_s, ts_event',
                    'ts_event', days, 'interval_s = 60 and toDate(ts_known - toIntervalNanosecond(1)) <= toDate(ts_event)') }}) as b
    inner join {{ ref('staging_instruments') }} as i on i.instrument = b.instrument
    group by instrument, day
)

select
    now.instrument as instrument, now.day as day, now.vwap as vwap, now.realised_volatility as realised_volatility,
    now.turnover as turnover, then.turnover as turnover_then, now.day_stored as day_stored
from now
left join then on then.instrument = now.instrument and then.day = now.day
