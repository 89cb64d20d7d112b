-- Fails with the ranked days of the universe that have no whole day among the thirty before them.
select u.day as day, u.instrument as instrument
from {{ ref('mart_universe') }} as u
where u.adv_rank is not null and (u.instrument, u.day) not in (
    select instrument, arrayJoin(arrayMap(n -> day + n, range(1, 31))) from {{ ref('mart_minutes_daily') }}
)
