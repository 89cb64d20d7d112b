-- Fails with the days whose high or low lies inside the body, or that have more minutes than a day.
select instrument, day
from {{ ref('mart_bars_daily') }}
where high < greatest(open, close) or low > least(open, close) or minutes > 1440
