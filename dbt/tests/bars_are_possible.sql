-- Fails with the bars whose high or low lies inside the body, or that have more minutes than they are long.
{% for name in ('5m', '15m', '1h', '4h', '1d', '1w', '1mo') %}
select '{{ name }}' as bars, instrument, ts_event
from {{ ref('mart_bars_' ~ name) }}
where high < greatest(open, close) or low > least(open, close)
   or minutes > dateDiff('minute', toDateTime(ts_event, 'UTC'), toDateTime(ts_known, 'UTC'))
{{ 'union all' if not loop.last }}
{% endfor %}
