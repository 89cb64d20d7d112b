-- Lives as last known: symbols, the steps of their scaled integers, and the days between which they were listed.
select
    id as instrument,
    argMax(venue, (ts_known, ts_stored)) as venue,
    argMax(symbol, (ts_known, ts_stored)) as symbol,
    argMax(toString(kind), (ts_known, ts_stored)) as kind,
    argMax(base, (ts_known, ts_stored)) as base,
    argMax(quote, (ts_known, ts_stored)) as quote,
    argMax(settle, (ts_known, ts_stored)) as settle,
    pow(10, argMax(price_scale, (ts_known, ts_stored))) as price_steps,
    pow(10, argMax(qty_scale, (ts_known, ts_stored))) as qty_steps,
    argMax(contract_size, (ts_known, ts_stored)) / 1e8 as contract_size,
    toDate(argMax(valid_from, (ts_known, ts_stored))) as valid_from_day,
    if(max(toUnixTimestamp(listed)) = 0, null, toDate(argMax(listed, (ts_known, ts_stored)))) as told_listed_on,
    if(argMax(toUnixTimestamp(valid_to), (ts_known, ts_stored)) = 0, null,
       toDate(argMax(valid_to, (ts_known, ts_stored)) - toIntervalNanosecond(1))) as last_day
from {{ source('base', 'instruments') }}
group by id
