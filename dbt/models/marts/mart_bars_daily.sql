-- Daily bars, volume-weighted price, realised volatility and the buyers' share, one row an instrument and UTC day.
with minutes as (
    select
        *,
        toDate(ts_event) as day,
        log(close / lagInFrame(close, 1, open) over (
            partition by instrument, toDate(ts_event) order by ts_event
            rows between unbounded preceding and current row
        )) as log_return
    from {{ ref('staging_bars') }}
),

bars as (
    select
        m.instrument as instrument,
        any(m.venue) as venue,
        any(m.symbol) as symbol,
        m.day as day,
        argMin(m.open, m.ts_event) as open,
        max(m.high) as high,
        min(m.low) as low,
        argMax(m.close, m.ts_event) as close,
        sum(m.volume) as volume,
        sum(m.close * m.volume) / nullIf(sum(m.volume), 0) as vwap,
        sqrt(sum(m.log_return * m.log_return)) as realised_volatility,  -- of the day, not annualised
        count() as minutes
    from minutes as m
    group by m.instrument, m.day
),

flow as (
    select
        instrument,
        toDate(ts_event) as day,
        count() as trades,
        sumIf(qty, side = 'buy') / nullIf(sum(qty), 0) as buyers_share
    from {{ ref('staging_trades') }}
    group by instrument, day
)

select
    bars.instrument as instrument, venue, symbol, bars.day as day, open, high, low, close, volume, vwap,
    realised_volatility, minutes,
    flow.trades as trades,  -- 0 where the trades of the day are not in the house
    flow.buyers_share as buyers_share
from bars
left join flow on flow.instrument = bars.instrument and flow.day = bars.day
order by instrument, day
