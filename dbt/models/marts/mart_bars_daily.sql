-- A day at a glance: its bar, and what its minutes and its trades say. One row an instrument and UTC day.
{{ config(materialized='view') }}
select
    b.instrument as instrument, b.venue as venue, b.symbol as symbol, b.day as day,
    b.open as open, b.high as high, b.low as low, b.close as close, b.volume as volume, b.turnover as turnover,
    m.vwap as vwap, m.realised_volatility as realised_volatility, b.minutes as minutes,
    t.trades as trades,  -- 0 where the trades of the day are not in the house, or not whole
    t.buyers_share as buyers_share
from {{ ref('mart_bars_1d') }} as b
left join {{ ref('mart_minutes_daily') }} as m on m.instrument = b.instrument and m.day = b.day
left join {{ ref('mart_trades_daily') }} as t on t.instrument = b.instrument and t.day = b.day
