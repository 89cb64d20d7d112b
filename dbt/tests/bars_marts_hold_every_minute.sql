-- Fails with the whole days of which a bars mart has not exactly the minutes that the base table has: an insert that
-- was cut off. `dbt build --full-refresh` makes the marts again.
with base as (
    select instrument, toDate(ts_event) as day, uniqExact(ts_event) as minutes
    from {{ source('base', 'bars') }}
    where interval_s = 60 and (instrument, toDate(ts_event)) in (
        select instrument, day from {{ ref('staging_days') }} where dataset = 'bars' and is_whole
    )
    group by instrument, day
)
{% for name in ('5m', '15m', '1h', '4h', '1d') %}
select '{{ name }}' as bars, base.instrument as instrument, base.day as day, base.minutes as there, made.minutes as here
from base
full outer join (
    select instrument, day, sum(minutes) as minutes from {{ ref('mart_bars_' ~ name) }} group by instrument, day
) as made on made.instrument = base.instrument and made.day = base.day
where there != here and there > 0  -- of a day that has aged out of the base table only the marts are left
{{ 'union all' if not loop.last }}
{% endfor %}
