"""A request's parameters, read with Binance's own complaints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from sandbox.errors import ExchangeError

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True)
class Call:
    """One request, whichever way it came (REST, websocket API): parameters as text, and who asks."""

    params: Mapping[str, str]
    account: str = ""

    def text(self, name: str) -> str:
        """A mandatory parameter; -1102 without it."""
        value = self.params.get(name, "")
        if not value:
            raise ExchangeError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return value

    def optional(self, name: str) -> str | None:
        """A parameter, or None when absent or empty."""
        return self.params.get(name) or None

    def integer(self, name: str, default: int | None = None, most: int | None = None) -> int | None:
        """A whole number cut to `most`; -1100 when it is none."""
        raw = self.params.get(name)
        if not raw:
            return default
        # Some clients write whole numbers as floats ("1500000000000.0").
        digits = raw.removesuffix(".0")
        if not digits.lstrip("-").isdigit():
            raise ExchangeError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            )
        value = int(digits)
        return value if most is None else min(value, most)

    def limit(self, default: int, most: int) -> int:
        """The page size; -1100-family refusals for less than one."""
        value = self.integer("limit", default, most)
        if value is None or value < 1:
            raise ExchangeError(-1130, "Data sent for parameter 'limit' is not valid.")
        return value

    def flag(self, name: str) -> bool:
        """A boolean parameter, false when absent."""
        raw = self.params.get(name, "false").lower()
        if raw not in {"true", "false"}:
            raise ExchangeError(-1100, f"Illegal characters found in parameter '{name}'; legal range is 'true|false'.")
        return raw == "true"

    def choice(self, name: str, enum: type[E], code: int, what: str) -> E:
        """A member of an enum by its value; `code` with Binance's `Invalid {what}.` otherwise."""
        try:
            return enum(self.text(name))
        except ValueError:
            raise ExchangeError(code, f"Invalid {what}.") from None
