"""The one exception type and the base of every error-code enum.

This module is pure and imports nothing of ours: it is the only one that every floor may import.
"""

from __future__ import annotations

from enum import Enum
from typing import Self


class ErrorCode(str, Enum):
    """A stable code with its meaning and the reader's next step.

    Each room declares its own in `errors.py`::

        class StackCode(ErrorCode):
            STACK_RUNNING = "another stack runs in this folder", "stop it with `make down`"

    The member's name is the code; it is never renamed once released, because people grep for it.
    """

    meaning: str
    next_step: str

    def __new__(cls, meaning: str, next_step: str) -> Self:
        # The value must differ between members, or Enum would make the second an alias of the first.
        member = str.__new__(cls, f"{meaning}; {next_step}")
        member._value_ = f"{meaning}; {next_step}"
        member.meaning = meaning
        member.next_step = next_step
        return member

    def __str__(self) -> str:
        return self.name


class TickhouseError(Exception):
    """An error with a stable code, `key=value` context and the next step: `CODE key=value: meaning; next step`."""

    def __init__(self, code: ErrorCode, /, **context: object) -> None:
        self.code = code
        self.context = context
        super().__init__(code, context)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (Dagster steps, helper processes): keyword context needs its own road.
        return (_rebuild, (self.code, self.context))

    def __str__(self) -> str:
        pairs = " ".join(f"{key}={value}" for key, value in self.context.items())
        head = f"{self.code.name} {pairs}".rstrip()
        return f"{head}: {self.code.meaning}; {self.code.next_step}"


def _rebuild(code: ErrorCode, context: dict[str, object]) -> TickhouseError:
    return TickhouseError(code, **context)
