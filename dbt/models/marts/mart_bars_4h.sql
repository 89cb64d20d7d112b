-- Four-hour bars, from hourly ones.
{{ config(materialized='incremental', incremental_strategy='append', engine='MergeTree()',
    order_by='(instrument, ts_event)', partition_by='toYear(ts_event)', pre_hook="{{ drop_stale_days('bars') }}") }}
{{ bars_mart(ref('mart_bars_1h'), 14400) }}
