{# Bars of `seconds` from shorter ones that have the same columns; a day's bars come from that day alone. #}
{% macro longer_bars(shorter, seconds, days) -%}
select
  instrument, any(b.venue) as venue, any(b.symbol) as symbol,
  toDateTime(intDiv(toUnixTimestamp(b.ts_event), {{ seconds }}) * {{ seconds }}, 'UTC') as ts_open,
  argMin(b.open, b.ts_event) as open, max(b.high) as high, min(b.low) as low, argMax(b.close, b.ts_event) as close,
  sum(b.volume) as volume, sum(b.turnover) as turnover,
  if(count(b.trades) = count(), sum(b.trades), null) as trades,
  sum(b.minutes) as minutes, b.day as day, any(b.day_stored) as day_stored
from {{ shorter }} as b
where (b.instrument, b.day) in ({{ days }})
group by b.instrument, b.day, ts_open
{%- endmacro %}

{# The columns of a bars mart, its times by their names. #}
{% macro bars_mart(shorter, seconds) -%}
select
  instrument, venue, symbol, ts_open as ts_event, ts_open + toIntervalSecond({{ seconds }}) as ts_known,
  open, high, low, close, volume, turnover, trades, minutes, day, day_stored
from ({{ longer_bars(shorter, seconds, days_to_take('bars')) }})
{%- endmacro %}

{# Weeks and months from days: `start` is the SQL of a period's first day. #}
{% macro bars_of_days(start, end) -%}
select
  instrument, any(venue) as venue, any(symbol) as symbol, toDateTime({{ start }}, 'UTC') as ts_event,
  toDateTime({{ end }}, 'UTC') as ts_known, argMin(open, day) as open, max(high) as high, min(low) as low,
  argMax(close, day) as close, sum(volume) as volume, sum(turnover) as turnover,
  if(count(trades) = count(), sum(trades), null) as trades, sum(minutes) as minutes, count() as days
from (select * except (ts_event, ts_known, day_stored) from {{ ref('mart_bars_1d') }})
group by instrument, {{ start }}, {{ end }}
{%- endmacro %}

{# One-minute bars of these days in natural units, with the columns that longer bars are made of. #}
{% macro minute_bars(days) -%}
select
  b.instrument as instrument, i.venue as venue, i.symbol as symbol,
  toDateTime(b.ts_event, 'UTC') as ts_open, toDateTime(b.ts_known, 'UTC') as ts_known,
  {{ price('b.open') }} as open, {{ price('b.high') }} as high, {{ price('b.low') }} as low,
  {{ price('b.close') }} as close, {{ qty('b.volume') }} as volume,
  {{ turnover(price('(b.high + b.low + b.close) / 3'), qty('b.volume')) }} as turnover,
  if(b.count < 0, null, b.count) as trades, 1 as minutes, b.day as day, d.stored as day_stored
from ({{ latest_minutes(days) }}) as b
inner join {{ ref('staging_instruments') }} as i on i.instrument = b.instrument
inner join (select instrument, day, stored from {{ ref('staging_days') }} where dataset = 'bars' and is_whole) as d
  on d.instrument = b.instrument and d.day = b.day
{%- endmacro %}
