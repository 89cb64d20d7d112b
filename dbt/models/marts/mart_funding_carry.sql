-- Funding by day and instrument: what a short position received (and a long one paid) as a share of its value.
with days as (
    select
        instrument, any(venue) as venue, any(symbol) as symbol, day,
        count() as settlements,
        sum(rate) as carry
    from {{ ref('staging_funding') }}
    group by instrument, day
)

select
    instrument, venue, symbol, day, settlements, carry,
    carry * 365 as carry_annualised,
    avg(carry) over (partition by instrument order by toInt32(day) range between 29 preceding and current row) * 365 as carry_30d_annualised,
    count() over (partition by instrument order by toInt32(day) range between 29 preceding and current row) as days_30
from days
order by instrument, day
