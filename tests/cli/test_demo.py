"""The demo's plan and stages; the demo itself is the main job's own proof."""

from datetime import timedelta

from cli.demo.errors import DemoCode
from cli.demo.plan import Plan
from cli.demo.runner import Stage, run
from cli.demo.stages import main_job
from infra.errors import TickhouseError


def plan(tmp_path, venue=""):
    made = Plan.make(venue=venue, days=60, trade_days=6, live_seconds=60)
    return Plan(tmp_path / "home", made.venue, made.first_day, made.first_trade_day, made.last_day, 60)


def test_days_are_whole_and_trades_are_the_last_of_them(tmp_path):
    made = plan(tmp_path)
    assert made.last_day - made.first_day == timedelta(days=59)
    assert made.last_day - made.first_trade_day == timedelta(days=5)


def test_orders_are_paper_on_any_venue(tmp_path):
    assert plan(tmp_path, "binance").environment()["TICKHOUSE_LIVE__GATEWAY"] == "paper"
    assert plan(tmp_path, "binance").environment()["TICKHOUSE_VENUE__SANDBOX"] == "false"


def test_a_venue_that_the_flow_cannot_hear_ends_with_the_report():
    last = main_job("kraken")[-1]
    assert last.title == "live flow: no frames of kraken are decoded, only history"
    assert len(main_job("binance")) == len(main_job()) == 7


def test_the_first_failure_ends_the_demo_with_its_code(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Plan, "enter", lambda self: None)
    reached = []

    def fails(demo):
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, table="bars")

    stages = [
        Stage("one", lambda demo: {"fact": "here"}),
        Stage("two", fails),
        Stage("three", lambda demo: reached.append(1) or {}),
    ]
    assert run(plan(tmp_path), stages, keep=False) == 1
    said = capsys.readouterr().out
    assert "DEMO_RESULT_MISSING" in said
    assert "failed at: two" in said
    assert reached == []
    assert run(plan(tmp_path), stages[:1], keep=False) == 0
