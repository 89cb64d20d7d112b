-- Close-to-close log returns by day; null on an instrument's first day and after a day that is not there.
select
    instrument,
    venue,
    symbol,
    day,
    close,
    if(
        lagInFrame(toNullable(day), 1) over life = day - 1,
        log(close / lagInFrame(toNullable(close), 1) over life),
        null
    ) as log_return,
    realised_volatility * sqrt(365) as volatility_annualised
from {{ ref('mart_bars_daily') }}
window life as (partition by instrument order by day rows between unbounded preceding and current row)
order by instrument, day
