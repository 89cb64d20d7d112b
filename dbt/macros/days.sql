{# Models that grow by whole days. A row carries `day_stored`, the moment of the ingest log's entry that its day rested on:
   a day that was ingested again has another one, a day that is whole no more has none. So what is missing and what
   is stale is found by comparing, not by remembering where the last run ended. #}

{# (instrument, day) of `dataset` that the ingest log calls whole and that this model has not taken yet. #}
{% macro days_to_take(dataset) -%}
select instrument, day from {{ ref('staging_days') }} where dataset = '{{ dataset }}' and is_whole
{%- if is_incremental() %}
  and (instrument, day, stored) not in (select distinct instrument, day, day_stored from {{ this }})
{%- endif %}
{%- endmacro %}

{# Takes out the days that were ingested again or are whole no more; before the new ones come in. #}
{% macro drop_stale_days(dataset) -%}
{% if is_incremental() -%}
alter table {{ this }} delete where (instrument, day, day_stored) not in (
  select instrument, day, stored from {{ ref('staging_days') }} where dataset = '{{ dataset }}' and is_whole
) settings mutations_sync = 1
{%- else -%}
select 1
{%- endif %}
{%- endmacro %}

{# Rows of a base table on these days, narrowed by time so that old months are not read, the latest revision of each. #}
{% macro latest(table, columns, key, clock, days, also='1') -%}
select {{ columns }}, toDate({{ clock }}) as day
from {{ source('base', table) }}
where {{ also }}
  and {{ clock }} >= (select toDateTime64(min(day), 9, 'UTC') from ({{ days }}))
  and {{ clock }} < (select toDateTime64(max(day) + 1, 9, 'UTC') from ({{ days }}))
  and (instrument, toDate({{ clock }})) in ({{ days }})
order by {{ key }}, ts_known desc, ts_stored
limit 1 by {{ key }}
{%- endmacro %}

{# Latest one-minute bars of these days. #}
{% macro latest_minutes(days) -%}
{{ latest(
  'bars', 'instrument, ts_event, ts_known, open, high, low, close, volume, count',
  'instrument, interval_s, ts_event', 'ts_event', days, 'interval_s = 60') }}
{%- endmacro %}

{# The ingest log's name of bars of so many seconds: `market.dataset.label`. #}
{% macro bars_label(seconds) -%}
transform({{ seconds }},
  [1, 60, 180, 300, 900, 1800, 3600, 7200, 14400, 21600, 28800, 43200, 86400, 259200, 604800, 2592000],
  ['bars_1s', 'bars', 'bars_3m', 'bars_5m', 'bars_15m', 'bars_30m', 'bars_1h', 'bars_2h', 'bars_4h', 'bars_6h',
   'bars_8h', 'bars_12h', 'bars_1d', 'bars_3d', 'bars_1w', 'bars_1mo'],
  concat('bars_', toString({{ seconds }}), 's'))
{%- endmacro %}
