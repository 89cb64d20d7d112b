-- Fails with the days in a mart that the ingest log does not call whole.
{% for mart, dataset in (
    ('mart_bars_5m', 'bars'), ('mart_bars_1d', 'bars'), ('mart_minutes_daily', 'bars'),
    ('mart_trades_daily', 'trades'), ('mart_spreads_hourly', 'quotes'), ('mart_funding_carry', 'funding_rates')
) %}
select distinct '{{ mart }}' as mart, instrument, day
from {{ ref(mart) }}
where (instrument, day) not in (
    select instrument, day
    from (
        select instrument, day, argMax(toString(state), ts_stored) as last_state
        from {{ source('base', 'ingest_log') }} where dataset = '{{ dataset }}' group by instrument, day
    )
    where last_state in ('complete', 'verified_empty')
)
{{ 'union all' if not loop.last }}
{% endfor %}
