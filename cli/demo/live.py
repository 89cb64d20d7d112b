"""The live stages of the demo: the flow against the market, then a replay of what it heard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from cli.demo.errors import DemoCode
from cli.demo.runner import Demo, Facts
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import PROJECT
from venues.errors import VenueCode


def offered(venue: str) -> bool:
    """Whether the live flow can hear the venue; the sandbox exchange ("") it can."""
    from venues.exchange import websocket_base

    try:
        websocket_base(venue or "binance")
    except TickhouseError as error:
        if error.code is not VenueCode.VENUE_NOT_OFFERED:
            raise
        return False
    return True


def left_out(demo: Demo) -> Facts:
    """What the summary says in place of a live session."""
    return {"live": f"left out: live frames of {demo.plan.venue} are not decoded"}


def live(demo: Demo) -> Facts:
    """The Bytewax flow for a while: ticks, orders, fills."""
    home = Home(demo.plan.home)
    log = home.logs / "flow.log"
    environment = {**os.environ, "TICKHOUSE_RUN_SECONDS": str(demo.plan.live_seconds)}
    began = time.monotonic()
    with log.open("wb") as out:
        flow = subprocess.Popen(
            [sys.executable, "-m", "bytewax.run", "streaming.flow"],
            cwd=PROJECT, env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        demo.cleanup.callback(_end, flow)
        try:
            code = flow.wait(demo.plan.live_seconds + 120)
        except subprocess.TimeoutExpired as error:
            raise TickhouseError(DemoCode.DEMO_PROCESS_FAILED, process="flow", log=log, why="did not end") from error
    if code != 0:
        raise TickhouseError(DemoCode.DEMO_PROCESS_FAILED, process="flow", code=code, log=log)
    session = _session(home)
    demo.say(f"flow ran {time.monotonic() - began:.0f} s, {session['wake_ups']:,} wake-ups")
    for what in ("ticks", "orders", "fills"):
        if not session.get(what):
            raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="live", what=what, log=log)
    return {
        "live": f"{session['ticks']:,} ticks, {session['predictions']:,} predictions, {session['orders']:,} orders, "
        f"{session['fills']:,} fills, {session['dead_letters']:,} dead letters in {session['seconds']:.0f} s",
        "P&L": f"{session['pnl'] / 1e8:,.2f} USDT, equity {session['equity'] / 1e8:,.2f} USDT",  # analytics: 10^-8
        "tick to order": f"p50 {session['tick_to_order_us_p50']:,.0f} us, p99 {session['tick_to_order_us_p99']:,.0f} us"
        " (shared machine, blocking poll)",
    }


def replay(demo: Demo) -> Facts:
    """The session again, from its input log alone."""
    folder = str(_session(Home(demo.plan.home))["folder"])
    done = subprocess.run(
        [sys.executable, "-m", "streaming.replay", folder], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    demo.say(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-300:])
    if done.returncode != 0:
        raise TickhouseError(DemoCode.DEMO_REPLAY_DIFFERS, session=folder, code=done.returncode)
    return {"replay": "identical order ids from the input log", "input log": folder}


def _session(home: Home) -> dict[str, Any]:
    file = home.run / "last_session.json"
    if not file.is_file():
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="live", what=file)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def _end(flow: subprocess.Popen[bytes]) -> None:
    if flow.poll() is None:
        flow.terminate()
        try:
            flow.wait(20)
        except subprocess.TimeoutExpired:
            flow.kill()
            flow.wait()
