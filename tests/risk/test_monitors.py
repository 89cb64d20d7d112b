from risk.errors import MonitorCode
from risk.level import Level
from risk.monitors import Monitor, Usage, level_of, usages

USDT = 10**8


def test_levels_by_use(limits, exposure):
    def level(used, breach=Level.ERROR):
        return level_of(Usage("x", used, 100, breach), limits.warning_at)

    assert [level(79), level(80), level(100), level(101)] == [Level.INFO, Level.WARNING, Level.WARNING, Level.ERROR]
    assert level(100, Level.CRITICAL) is Level.CRITICAL
    assert level_of(Usage("x", 1, 0), limits.warning_at) is Level.ERROR
    assert level_of(Usage("x", 0, 0), limits.warning_at) is Level.INFO


def test_an_event_goes_out_when_a_level_changes_and_only_then(limits, exposure):
    monitor = Monitor(limits)

    def events(pnl):
        return monitor.update(1, usages(limits, exposure, 100_000 * USDT, 100_000 * USDT, pnl * USDT))

    assert events(-10) == []
    assert [(e.level, e.code) for e in events(-800)] == [(Level.WARNING, MonitorCode.LIMIT_NEAR)]
    assert events(-900) == []
    (stop,) = events(-1_000)
    assert (stop.level, stop.code) == (Level.CRITICAL, MonitorCode.LOSS_STOP)
    assert "limit=portfolio.max_daily_loss" in stop.detail
    assert [e.code for e in events(0)] == [MonitorCode.LIMIT_CLEAR]


def test_exposure_and_leverage_are_watched(limits, exposure):
    exposure.set(1, 45_000 * USDT)
    shares = {u.limit_name: u.share_ppm for u in usages(limits, exposure, 10_000 * USDT, 10_000 * USDT, 0)}
    assert shares["portfolio.max_gross_exposure"] == 900_000
    assert shares["portfolio.max_leverage"] == 1_500_000
    assert shares["sector.majors.max_gross_exposure"] == 1_125_000
