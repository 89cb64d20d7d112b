"""The embedded stack of a demo: up before the first stage, down after the last."""

from __future__ import annotations

from collections.abc import Collection

from cli.demo.errors import DemoCode
from cli.demo.runner import Demo, Facts
from infra.endpoints import Service, address
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import load
from infra.stack import background
from infra.stack.errors import StackCode


def start(demo: Demo) -> Facts:
    """Starts the stack and waits until every service answers; its end is registered with the demo."""
    return start_only(demo, ())


def start_only(demo: Demo, services: Collection[Service]) -> Facts:
    """Starts these services and those behind them, all of them where none is named."""
    home = Home(demo.plan.home)
    demo.cleanup.callback(background.stop, home)
    try:
        background.start(home, services, {}, lambda service, text: demo.say(f"{service}: {text}"))
    except TickhouseError as error:
        if error.code is StackCode.SERVICE_FAILED:
            raise TickhouseError(DemoCode.DEMO_STACK_FAILED, **error.context) from error
        raise
    shown = [service for service in (Service.DAGSTER, Service.MLFLOW) if not services or service in services]
    return {f"address of {service}": address(home.root, service) for service in shown}


def port_of(service: Service) -> int:
    """Port the service listens on."""
    return int(address(load().home, service).rsplit(":", 1)[1].strip("/"))
