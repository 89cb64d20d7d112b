-- Spreads by day: the hours' weighted with the time that quotes stood in them.
select
    h.instrument as instrument, any(h.venue) as venue, any(h.symbol) as symbol, h.day as day,
    sum(h.quoted_spread * h.seconds) / nullIf(sumIf(h.seconds, h.quoted_spread is not null), 0) as quoted_spread,
    sum(h.relative_spread_bps * h.seconds) / nullIf(sumIf(h.seconds, h.quoted_spread is not null), 0)
        as relative_spread_bps,
    max(h.widest_bps) as widest_bps,
    sum(h.quotes) as quotes,
    sum(h.seconds) as seconds
from {{ ref('mart_spreads_hourly') }} as h
group by instrument, day
order by instrument, day
