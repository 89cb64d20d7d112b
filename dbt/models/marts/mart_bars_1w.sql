-- Weekly bars from Monday (UTC), from the whole days of the week; `days` says how many there are.
{{ bars_of_days('toMonday(day)', 'toMonday(day) + 7') }}
