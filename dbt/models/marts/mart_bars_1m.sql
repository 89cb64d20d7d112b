-- One-minute bars of whole days with what changed hands in the quote currency; the start of every longer bar.
{% set days = "select instrument, day from " ~ ref('staging_days') ~ " where dataset = 'bars' and is_whole" %}
{{ config(materialized='view') }}
select instrument, venue, symbol, ts_open as ts_event, ts_known, open, high, low, close, volume, turnover, trades,
       minutes, day, day_stored
from ({{ minute_bars(days) }})
