"""Runs stages one after another with a progress display; the first that fails ends the demo."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from cli.demo.plan import Plan
from infra.errors import TickhouseError
from infra.home import Home
from infra.stack import background

Facts = dict[str, str]


@dataclass(slots=True)
class Demo:
    """A running demo: what stages share."""

    plan: Plan
    console: Console
    cleanup: ExitStack
    facts: Facts = field(default_factory=dict)

    def say(self, text: str) -> None:
        """One dim line below the stage that runs."""
        self.console.print(f"    {text}", style="dim", highlight=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """A named step of the demo; `run` returns the facts it adds to the summary."""

    title: str
    run: Callable[[Demo], Facts]


def run(plan: Plan, stages: Sequence[Stage], *, keep: bool) -> int:
    """Exit code: 0 when every stage did its work, 1 otherwise. The stack is stopped unless `keep`."""
    console = Console()
    plan.enter()
    background.stop(Home(plan.home))              # what a killed demo left behind
    shutil.rmtree(plan.home, ignore_errors=True)  # the demo's own folder: each run starts from nothing
    plan.home.mkdir(parents=True)
    began = time.monotonic()
    with ExitStack() as cleanup:
        # A demo that is told to end stops its stack first, as on Ctrl-C.
        cleanup.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler))
        demo = Demo(plan, console, cleanup)
        failed = _run_stages(demo, stages)
        _summary(demo, time.monotonic() - began, failed)
        if keep:
            cleanup.pop_all()
            console.print(f"the stack stays up; stop it with: TICKHOUSE_HOME={plan.home} make down", highlight=False)
    return 1 if failed else 0


def _run_stages(demo: Demo, stages: Sequence[Stage]) -> str:
    """Title of the stage that failed, empty when none did."""
    for number, stage in enumerate(stages, 1):
        began = time.monotonic()
        demo.console.print(f"[bold]{number}/{len(stages)}[/] {stage.title}")
        try:
            demo.facts |= stage.run(demo)
        except TickhouseError as error:
            demo.console.print(f"    failed: {error}", style="red", highlight=False)
            return stage.title
        except KeyboardInterrupt:
            demo.console.print("    interrupted", style="red")
            return stage.title
        demo.console.print(f"    done in {time.monotonic() - began:.1f} s", style="green", highlight=False)
    return ""


def _summary(demo: Demo, seconds: float, failed: str) -> None:
    table = Table(title="summary", show_header=False, title_style="bold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # paths are to be copied whole
    for key, value in demo.facts.items():
        table.add_row(key, value)
    table.add_row("time", f"{seconds:.0f} s")
    table.add_row("result", f"[red]failed at: {failed}[/]" if failed else "[green]every stage did its work[/]")
    demo.console.print(table)
    if failed:
        demo.console.print(f"logs: {demo.plan.home / 'logs'}", highlight=False)

