"""The embedded stack of a demo: up before the first stage, down after the last."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from cli.demo.errors import DemoCode
from cli.demo.runner import Demo, Facts
from infra.endpoints import Service, address
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import PROJECT, load
from infra.stack.board import read as board_of

START_SECONDS = 180.0  # MLflow took 29 s on a loaded two-core machine; a cold disk takes longer


def start(demo: Demo) -> Facts:
    """Starts the stack and waits until every service answers; its end is registered with the demo."""
    home = Home(demo.plan.home)
    log = home.logs / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up"],
            cwd=PROJECT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C at the demo must not reach it before the stages have ended
        )
    demo.cleanup.callback(_stop, process)
    deadline = time.monotonic() + START_SECONDS
    needed = [service for service in Service if service is not Service.SANDBOX or not demo.plan.venue]
    while (board := board_of(home)) is None or not board.is_ready:
        if process.poll() is not None or time.monotonic() > deadline:
            raise TickhouseError(DemoCode.DEMO_STACK_FAILED, log=log, last=_last_line(log))
        time.sleep(0.2)
    addresses = {service: address(demo.plan.home, service) for service in needed}
    for service, url in addresses.items():
        demo.say(f"{service}: {url}")
    return {f"address of {service}": addresses[service] for service in (Service.DAGSTER, Service.MLFLOW)}


def port_of(service: Service) -> int:
    """Port the service listens on."""
    return int(address(load().home, service).rsplit(":", 1)[1].strip("/"))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()  # its children follow it: they are tied to its life
            process.wait()
