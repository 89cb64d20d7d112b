-- Bars of calendar months (UTC), from the whole days of the month; `days` says how many there are.
{{ bars_of_days('toStartOfMonth(day)', 'toStartOfMonth(day) + toIntervalMonth(1)') }}
