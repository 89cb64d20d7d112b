-- Average daily volume in the quote currency over the 7, 30 and 90 days up to and including a day. Only whole days
-- count: `days_*` says how many of the window's there are.
select
    instrument, venue, symbol, day, turnover,
    {% for n in (7, 30, 90) -%}
    avg(turnover) over last_{{ n }} as adv_{{ n }},
    count() over last_{{ n }} as days_{{ n }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('mart_bars_1d') }}
window
    {% for n in (7, 30, 90) -%}
    last_{{ n }} as (partition by instrument order by toInt32(day) range between {{ n - 1 }} preceding and current row){{ ',' if not loop.last }}
    {% endfor %}
order by instrument, day
