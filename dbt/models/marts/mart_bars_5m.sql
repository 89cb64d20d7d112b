-- Five-minute bars, from the minutes of whole days.
{{ config(materialized='incremental', incremental_strategy='append', engine='MergeTree()',
    order_by='(instrument, ts_event)', partition_by='toYear(ts_event)', pre_hook="{{ drop_stale_days('bars') }}") }}
{% set minutes = "(select * except (ts_open), ts_open as ts_event from (" ~ minute_bars(days_to_take('bars')) ~ "))" %}
{{ bars_mart(minutes, 300) }}
