"""`tickhouse demo history`: a backfill with bad days, the alert that they cause, and their repair."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.demo import history_look as look
from cli.demo.dagster_runs import materialise
from cli.demo.errors import DemoCode
from cli.demo.history_files import Publisher
from cli.demo.mailbox import Mail, Mailbox
from cli.demo.plan import Plan
from cli.demo.runner import Demo, Facts, Stage
from cli.demo.stack import start_only
from infra.endpoints import Service
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import PROJECT, load

if TYPE_CHECKING:
    import polars as pl

_ASSET = "binance/klines_5m"
_MAIL_TIMEOUT_S = 180.0  # the sensor looks every 30 s; a busy machine needs longer
_VENUE = "binance"
_SERVICES = (Service.CLICKHOUSE, Service.SANDBOX, Service.DAGSTER)
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")


class HistoryPlan(Plan):
    """As the main demo's plan, on the exchange's own clock: yesterday is the last whole day."""

    @classmethod
    def of(cls, days: int) -> HistoryPlan:
        """Plan ending with yesterday."""
        last = datetime.now(UTC).date() - timedelta(days=1)
        first = last - timedelta(days=days - 1)
        return cls(PROJECT / ".tickhouse" / "demo-history", "", first, last - timedelta(days=1), last, 0)

    def environment(self) -> dict[str, str]:
        """Bulk files beside the venue, and the market in real time."""
        chosen = Plan.environment(self)
        return chosen | {
            "TICKHOUSE_SANDBOX__SPEED": "1.0", "TICKHOUSE_SANDBOX__LAG_S": "0.0",
            "TICKHOUSE_VENUE__NAME": _VENUE, "TICKHOUSE_VENUE__SYMBOLS": json.dumps(SYMBOLS),
            "TICKHOUSE_SOURCES": str(self.home / "sources.toml"),
            "TICKHOUSE_MAIL__HOST": "127.0.0.1", "TICKHOUSE_MAIL__RECIPIENTS": '["data@example.org"]',
            "TICKHOUSE_MAIL__STARTTLS": "false", "TICKHOUSE_MAIL__USER": "", "TICKHOUSE_MAIL__CHANNELS": "[]",
        }


@dataclass(slots=True)
class History:
    """What the stages hand on to each other."""

    files: Publisher
    mailbox: Mailbox
    bad: date
    absent: date
    planted: str = ""
    then_ns: int = 0
    before: list[pl.DataFrame] = field(default_factory=list)


def stages(days: int) -> list[Stage]:
    """The stages in their order; they share one `History`."""
    shared: list[History] = []

    def prepare(demo: Demo) -> Facts:
        made, facts = _start(demo, days)
        shared.append(made)
        return facts

    return [
        Stage("start the stack and a mail server", prepare),
        Stage("ingest bars, trades and funding from the exchange", _venue),
        Stage("ingest bulk files: one has a bad row, one is not there", lambda demo: _files(demo, shared[0])),
        Stage("see what is whole", lambda demo: _coverage(demo, shared[0])),
        Stage("wait for the e-mail that it caused", lambda demo: _mail(demo, shared[0])),
        Stage("repair: good files come, another is restated", lambda demo: _repair(demo, shared[0])),
        Stage("ask again as of then", lambda demo: _as_of(demo, shared[0])),
    ]


def _start(demo: Demo, days: int) -> tuple[History, Facts]:
    home, plan = demo.plan.home, demo.plan
    mailbox = Mailbox(home / "mail")
    demo.cleanup.callback(mailbox.close)
    os.environ["TICKHOUSE_MAIL__PORT"] = str(mailbox.port)
    folder = home / "files"
    _sources(home / "sources.toml", folder, plan.first_day)
    facts = start_only(demo, _SERVICES)
    files = Publisher(folder, load().sandbox_url, ("BTCUSDT", "ETHUSDT"))
    bars = files.fetch(plan.first_day, plan.last_day)
    bad, absent = plan.first_day + timedelta(days=days // 2), plan.last_day - timedelta(days=2)
    files.publish_all()
    planted = files.plant_bad_row("BTCUSDT", bad)
    files.withhold("ETHUSDT", absent)
    demo.say(f"{bars:,} bars of 5 minutes as zips with checksums in {folder}")
    return History(files, mailbox, bad, absent, planted), facts


def _sources(file: Path, folder: Path, first: date) -> None:
    pattern = Publisher(folder, "", ()).pattern
    file.write_text(
        f'[[files]]\nname = "klines_5m"\nvenue = "{_VENUE}"\nformat = "binance_klines"\npath = "{pattern}"\n'
        f'checksum = "{{path}}.CHECKSUM"\nsymbols = ["{SYMBOLS[0]}", "{SYMBOLS[1]}"]\nhistory_start = {first}\n'
        "options = { interval_s = 300 }\n"
    )


def _venue(demo: Demo) -> Facts:
    plan = demo.plan
    everything = [f"{_VENUE}/{name}" for name in ("instruments", "bars_1m", "funding")]
    materialise(demo, everything, days=(plan.first_day, plan.last_day))
    materialise(demo, [f"{_VENUE}/trades"], days=(plan.last_day, plan.last_day))
    counts = ", ".join(f"{look.count(table):,} {name}" for name, table in (
        ("bars", "bars"), ("trades", "trades"), ("funding rates", "funding_rates")))
    return {"from the exchange": counts}


def _files(demo: Demo, made: History) -> Facts:
    """The run must fail, and publish what is good."""
    try:
        materialise(demo, [_ASSET], days=(demo.plan.first_day, demo.plan.last_day))
    except TickhouseError as error:
        if error.code is not DemoCode.DEMO_RUN_FAILED or "DATA_QUARANTINED" not in str(error):
            raise
        demo.say("the run failed as it must: " + str(error.context["error"]).splitlines()[0][:200])
    else:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="files", what="a failed run for the bad row")
    row = look.quarantined(_VENUE, SYMBOLS[0], made.bad)
    if row.line != made.planted:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="files", what="the planted line", found=row.line)
    made.then_ns = time.time_ns()
    made.before = [look.bars(SYMBOLS[0], demo.plan.first_day, made.then_ns)]
    return {"quarantined": f"{SYMBOLS[0]} {made.bad}: {row.reason}", "its source line": f"{row.file}: {row.line}"}


def _coverage(demo: Demo, made: History) -> Facts:
    states = look.grid(demo, "bars_5m")
    if states.get("quarantined") != 1 or states.get("missing") != 1:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="coverage", what="one day each", found=states)
    materialise(demo, ["coverage"])
    file = Home(demo.plan.home).reports / "coverage" / f"{_VENUE}-bars_5m.png"
    if not file.is_file():
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="coverage", what=file)
    return {"missing": f"{SYMBOLS[1]} {made.absent}: no file", "coverage picture": str(file)}


def _mail(demo: Demo, made: History) -> Facts:
    """The digest of the alert sensor, sent by SMTP."""
    deadline = time.monotonic() + _MAIL_TIMEOUT_S
    found: Mail | None = None
    while found is None:
        if time.monotonic() > deadline:
            raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="mail", what="an e-mail with the bad row",
                                 mails=len(made.mailbox.mails), seconds=_MAIL_TIMEOUT_S)
        found = next((mail for mail in made.mailbox.mails if made.planted in mail.part("plain")), None)
        time.sleep(0.5)
    if "cid:" not in found.part("html"):
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="mail", what="a picture", file=found.file)
    demo.say(found.subject)
    return {"e-mail": found.subject, "as it looks": str(found.page), "as it came": str(found.file)}


def _repair(demo: Demo, made: History) -> Facts:
    made.files.publish("BTCUSDT", made.bad)
    made.files.publish("ETHUSDT", made.absent)
    was, now = made.files.restate("BTCUSDT", demo.plan.first_day)
    materialise(demo, [_ASSET], days=(demo.plan.first_day, demo.plan.last_day))
    states = look.grid(demo, "bars_5m")
    if set(states) != {"complete"}:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="repair", what="only complete days", found=states)
    return {
        "after the repair": f"all {states['complete']} instrument days of 5-minute bars complete",
        "restated": f"the 12:00 bar of {demo.plan.first_day}: {was} trades became {now}",
    }


def _as_of(demo: Demo, made: History) -> Facts:
    """Then as it was, now as it is; a day that was kept out then is refused as of then."""
    first = demo.plan.first_day
    then, now = look.bars(SYMBOLS[0], first, made.then_ns), look.bars(SYMBOLS[0], first)
    changed = look.changed(then, now)
    if not then.equals(made.before[0]) or changed != 1:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="as of", what="the past unchanged", changed=changed)
    refused = look.refusal(SYMBOLS[0], made.bad, made.then_ns)
    if "DATA_NOT_COMPLETE" not in refused:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="as of", what="a refusal", found=refused)
    moment = datetime.fromtimestamp(made.then_ns // 10**9, UTC)
    return {
        f"as of {moment:%H:%M:%S}": f"{then.height} bars of {first} as they were read then; {changed} is another now",
        f"{made.bad} as stored then": refused.partition(":")[0],
    }
