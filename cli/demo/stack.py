"""The embedded stack of a demo: up before the first stage, down after the last."""

from __future__ import annotations

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
    home = Home(demo.plan.home)
    demo.cleanup.callback(background.stop, home)
    try:
        background.start(home, (), {}, lambda service, text: demo.say(f"{service}: {text}"))
    except TickhouseError as error:
        if error.code is StackCode.SERVICE_FAILED:
            raise TickhouseError(DemoCode.DEMO_STACK_FAILED, **error.context) from error
        raise
    return {f"address of {service}": address(home.root, service) for service in (Service.DAGSTER, Service.MLFLOW)}


def port_of(service: Service) -> int:
    """Port the service listens on."""
    return int(address(load().home, service).rsplit(":", 1)[1].strip("/"))
