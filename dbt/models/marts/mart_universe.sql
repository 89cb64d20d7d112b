-- What was listed on each day, what was delisted later included, with its average daily volume as anybody could have
-- known it when the day began: from the 30 days before, as their minutes were known at each one's end.
with calendar as (
    select min(day) as first, max(day) as last from {{ ref('staging_days') }} where instrument != 0
),

first_data as (
    select instrument, min(day) as first_day from {{ ref('staging_days') }} where is_whole and rows > 0 group by instrument
),

lives as (
    select
        i.*,
        -- Where nobody told when it was listed, its history may reach back beyond the day we first saw it.
        coalesce(i.told_listed_on, if(f.first_day > toDate(0), least(i.valid_from_day, f.first_day), i.valid_from_day)) as listed_on
    from {{ ref('staging_instruments') }} as i
    left join first_data as f on f.instrument = i.instrument
),

listed as (
    select
        lives.* except (told_listed_on, valid_from_day, price_steps, qty_steps, contract_size, settle),
        arrayJoin(arrayMap(
            n -> toDate(n),
            range(
                toUInt32(greatest(listed_on, c.first)),
                toUInt32(least(coalesce(last_day, c.last), c.last)) + 1
            )
        )) as day
    from lives
    cross join calendar as c
),

known as (
    select
        l.*, m.turnover_then as turnover_then, m.instrument != 0 as has_data
    from listed as l
    left join {{ ref('mart_minutes_daily') }} as m on m.instrument = l.instrument and m.day = l.day
),

averaged as (
    select
        *,
        sumIf(turnover_then, has_data) over before as total,
        countIf(has_data) over before as adv_days
    from known
    window before as (partition by instrument order by toInt32(day) range between 30 preceding and 1 preceding)
)

select
    day, instrument, venue, symbol, kind, base, quote, listed_on, last_day, has_data,
    if(adv_days > 0, total / adv_days, null) as adv_30,
    adv_days,
    -- Turnovers in different currencies, and at different venues, do not compare.
    if(adv_days > 0, rank() over (partition by day, venue, quote, adv_days > 0 order by adv_30 desc), null) as adv_rank
from averaged
order by day, instrument
