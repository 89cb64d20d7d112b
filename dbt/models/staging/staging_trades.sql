-- The latest revision of each trade, in the units of the quote and base currency.
select
    trades.instrument as instrument,
    instruments.venue as venue,
    instruments.symbol as symbol,
    trades.ts_event as ts_event,
    trades.trade_id as trade_id,
    trades.price * instruments.price_unit as price,
    trades.qty * instruments.qty_unit as qty,
    toString(trades.side) as side
from (
    select instrument, ts_event, trade_id, price, qty, side
    from {{ source('base', 'trades') }}
    order by instrument, ts_event, trade_id, ts_known desc, ts_stored desc
    limit 1 by instrument, ts_event, trade_id
) as trades
inner join {{ ref('staging_instruments') }} as instruments on instruments.instrument = trades.instrument
