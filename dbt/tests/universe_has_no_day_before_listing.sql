-- Fails with the days of the universe before an instrument was listed or after it was delisted, by the base table.
select u.day as day, u.instrument as instrument
from {{ ref('mart_universe') }} as u
inner join (
    select id, argMax(listed, (ts_known, ts_stored)) as listed, argMax(valid_to, (ts_known, ts_stored)) as ended
    from {{ source('base', 'instruments') }} group by id
) as i on i.id = u.instrument
where (toUnixTimestamp(i.listed) > 0 and u.day < toDate(i.listed))
   or (toUnixTimestamp(i.ended) > 0 and toDateTime(u.day, 'UTC') >= i.ended)
