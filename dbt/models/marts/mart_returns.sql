-- Close-to-close returns by day, redenominations taken out; null on an instrument's first day and after a day that is
-- not there.
with splits as (
    -- One old unit is numerator/denominator new ones from ts_event on: the price moves the other way.
    select instrument, toDate(ts_event) as day, sum(log(numerator / denominator)) as log_units
    from (
        select * from {{ source('base', 'adjustments') }}
        order by instrument, ts_event, ts_known desc, ts_stored
        limit 1 by instrument, ts_event
    )
    group by instrument, day
),

days as (
    select
        b.instrument as instrument, b.venue as venue, b.symbol as symbol, b.day as day, b.close as close,
        s.log_units as log_units,
        lagInFrame(toNullable(b.close), 1) over life as close_before,
        lagInFrame(toNullable(b.day), 1) over life as day_before
    from {{ ref('mart_bars_1d') }} as b
    left join splits as s on s.instrument = b.instrument and s.day = b.day
    window life as (partition by b.instrument order by b.day rows between unbounded preceding and current row)
)

select
    d.instrument as instrument, d.venue as venue, d.symbol as symbol, d.day as day, d.close as close,
    if(d.day_before = d.day - 1, log(d.close / d.close_before) + d.log_units, null) as log_return,
    exp(log_return) - 1 as simple_return,
    m.realised_volatility * sqrt(365) as volatility_annualised
from days as d
left join {{ ref('mart_minutes_daily') }} as m on m.instrument = d.instrument and m.day = d.day
order by instrument, day
