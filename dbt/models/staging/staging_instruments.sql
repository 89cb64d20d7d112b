-- Lives as last known, with the factors that turn scaled integers into numbers for people.
select
    id as instrument,
    argMax(venue, (ts_known, ts_stored)) as venue,
    argMax(symbol, (ts_known, ts_stored)) as symbol,
    argMax(toString(kind), (ts_known, ts_stored)) as kind,
    argMax(base, (ts_known, ts_stored)) as base,
    argMax(quote, (ts_known, ts_stored)) as quote,
    pow(10, -toInt32(argMax(price_scale, (ts_known, ts_stored)))) as price_unit,
    pow(10, -toInt32(argMax(qty_scale, (ts_known, ts_stored)))) as qty_unit
from {{ source('base', 'instruments') }}
group by id
