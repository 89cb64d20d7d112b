-- What the ingest log last said of each dataset, instrument and day. Only days that are whole enter the marts.
{{ config(materialized='table', engine='MergeTree()', order_by='(dataset, instrument, day)') }}
select
    dataset,
    instrument,
    day,
    argMax(log.venue, log.ts_stored) as venue,
    argMax(toString(log.state), log.ts_stored) as state,
    state in ('complete', 'verified_empty') as is_whole,
    argMax(log.rows, log.ts_stored) as rows,
    argMax(log.source, log.ts_stored) as source,
    argMax(log.run_id, log.ts_stored) as run_id,
    argMax(log.detail, log.ts_stored) as detail,
    max(log.ts_stored) as stored
from {{ source('base', 'ingest_log') }} as log
group by dataset, instrument, day
