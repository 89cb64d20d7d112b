"""Logs: JSON lines for machines, colours for a terminal, secrets masked in both."""

from __future__ import annotations

import logging
import re
import sys
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from structlog.typing import EventDict, WrappedLogger

MASK = "***"
_SECRET_KEY = re.compile(
    r"pass(word|phrase|wd)?$|secret|token|api_?key|authorization|signature|private_?key", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^@\s/]+@")
_FILE_BYTES, _FILES = 20 << 20, 3
# The driver logs a whole traceback for every refused connection, which we report in one line ourselves.
_TOO_LOUD = ("clickhouse_connect",)


def configure(
    process: str, *, folder: Path | None = None, level: int = logging.INFO, secrets: Collection[str] = ()
) -> None:
    """Sends every log of this process to stderr and, with `folder`, as JSON to `<folder>/<process>.jsonl`.

    On a terminal stderr is for people, otherwise it is JSON too. `secrets` (see `secrets_of`) are masked wherever they
    appear, tracebacks included, and so are values under telling names and passwords in URLs.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _Masker(secrets),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # or loggers would keep the configuration of before
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(_formatter(shared, process, for_people=sys.stderr.isatty()))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(folder / f"{process}.jsonl", maxBytes=_FILE_BYTES, backupCount=_FILES)
        file.setFormatter(_formatter(shared, process, for_people=False))
        handlers.append(file)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    for name in _TOO_LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger: `get(__name__).info("reconnected", venue="binance", after_s=1.5)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def secrets_of(settings: BaseModel) -> frozenset[str]:
    """Every secret in the settings that is set."""
    return frozenset(_secrets(settings))


def mask(text: str, secrets: Collection[str] = ()) -> str:
    """The text without the secrets and without passwords in URLs."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _URL_PASSWORD.sub(rf"\1{MASK}@", text)


class _Masker:
    def __init__(self, secrets: Collection[str]) -> None:
        # The longest first, should one contain another; one letter would mask half of every line.
        self._secrets = sorted((secret for secret in secrets if len(secret) > 1), key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: MASK if _SECRET_KEY.search(key) else self._masked(value) for key, value in event.items()}

    def _masked(self, value: Any) -> Any:
        match value:
            case str():
                return mask(value, self._secrets)
            case dict():
                return {
                    key: MASK if _SECRET_KEY.search(str(key)) else self._masked(item) for key, item in value.items()
                }
            case list() | tuple():
                return [self._masked(item) for item in value]
            case None | bool() | int() | float():
                return value
            case BaseException():
                return mask(f"{type(value).__name__}: {value}", self._secrets)
        return value if isinstance(value, (logging.LogRecord, type)) else mask(str(value), self._secrets)


def _formatter(shared: list[Any], process: str, *, for_people: bool) -> logging.Formatter:
    def add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**event, "process": process}

    renderer: Any = structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(default=str)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, add_process, renderer],
    )


def _secrets(part: BaseModel) -> Iterator[str]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value)
