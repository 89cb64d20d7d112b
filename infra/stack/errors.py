"""What can go wrong while the stack starts or runs."""

from __future__ import annotations

from infra.errors import ErrorCode


class StackCode(ErrorCode):
    """Codes of the embedded stack."""

    STACK_RUNNING = "another stack runs in this folder", "stop it with `tickhouse down`, or use it as it is"
    STACK_NOT_STOPPED = "the stack is still running after it was told to stop", "look into its log, then kill that pid"
    SERVICE_FAILED = "a service failed again and again and the stack was stopped", "read the end of its log"
    SERVICE_UNKNOWN = "the stack has no service of this name", "name one of those listed here"
    URL_MISSING = (
        "the server profile needs the address of this service",
        'set its url in config/tickhouse.toml, or profile = "embedded"',
    )
    PORT_TAKEN = "the port asked for is in use", "stop whoever listens there, or leave the port out to get a free one"
    PORT_LOST = (
        "other processes took the ports again and again after they had been found free",
        "start again, or choose the port with --port SERVICE=NUMBER",
    )
    DISK_FULL = "too little disk space to start", "free some space, or set TICKHOUSE_HOME to a folder on another disk"
    HOME_NOT_WRITABLE = "the home folder cannot be written", "make it writable, or set TICKHOUSE_HOME to another folder"
    PYTHON_WRONG = "this Python cannot run the platform", "use Python 3.11 (`make` builds an environment of its own)"
    PACKAGE_MISSING = "a service's package is not installed", "install the environment with `make`"
    CLICKHOUSE_FOLDER = (
        "the embedded ClickHouse cannot open its data folder",
        "see that no other process has it open (`tickhouse status`); its log is in logs/ beside it",
    )
