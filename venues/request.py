"""One request to a venue through ccxt: retried where that can help, and every failure under a stable code."""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from infra.errors import TickhouseError
from venues.errors import VenueCode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try; waits double from `first_wait_s` up to `longest_wait_s`, with jitter."""

    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0


def ask(exchange: Any, patience: Patience, what: str, call: Callable[[], T]) -> T:
    """What `call` returns.

    Network errors, 429, 418, 5xx and answers that are no JSON are tried again, after the venue's `Retry-After` where it
    gives one. VENUE_RATE_LIMITED at once when that is longer than our longest wait: who asks on gets a longer ban.
    VENUE_UNREACHABLE or VENUE_BAD_ANSWER when patience ends; VENUE_SYMBOL_UNKNOWN, VENUE_NOT_OFFERED and VENUE_REFUSED
    at once.
    """
    import ccxt
    import tenacity

    limited = (ccxt.DDoSProtection, ccxt.RateLimitExceeded)
    doubling = tenacity.wait_exponential_jitter(
        multiplier=patience.first_wait_s, max=patience.longest_wait_s, jitter=patience.first_wait_s
    )

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        told = _retry_after(exchange) if isinstance(failure, limited) else 0.0
        return max(told, min(patience.longest_wait_s, doubling(state)))

    def worth_it(failure: BaseException) -> bool:
        if isinstance(failure, limited) and _retry_after(exchange) > patience.longest_wait_s:
            return False
        return isinstance(failure, (ccxt.NetworkError, ccxt.BadResponse))

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=wait,
        retry=tenacity.retry_if_exception(worth_it),
        reraise=True,
    )
    try:
        return retrying(call)
    except ccxt.NetworkError as error:
        told = _retry_after(exchange) if isinstance(error, limited) else 0.0
        if told > patience.longest_wait_s:
            raise TickhouseError(
                VenueCode.VENUE_RATE_LIMITED, venue=exchange.id, request=what, retry_after_s=math.ceil(told)
            ) from error
        raise _failed(exchange, VenueCode.VENUE_UNREACHABLE, what, error) from error
    except ccxt.BadResponse as error:
        raise _failed(exchange, VenueCode.VENUE_BAD_ANSWER, what, error) from error
    except ccxt.BadSymbol as error:
        raise _failed(exchange, VenueCode.VENUE_SYMBOL_UNKNOWN, what, error) from error
    except ccxt.NotSupported as error:
        raise _failed(exchange, VenueCode.VENUE_NOT_OFFERED, what, error) from error
    except ccxt.BaseError as error:
        raise _failed(exchange, VenueCode.VENUE_REFUSED, what, error) from error
    except (TypeError, KeyError, AttributeError, IndexError, ValueError) as error:
        # JSON of an unexpected shape breaks ccxt's parsers in all these ways.
        raise _failed(exchange, VenueCode.VENUE_BAD_ANSWER, what, error) from error


def _failed(exchange: Any, code: VenueCode, what: str, error: Exception) -> TickhouseError:
    message = " ".join(str(error).split())[:300]
    return TickhouseError(code, venue=exchange.id, request=what, problem=f"{type(error).__name__}: {message}")


def _retry_after(exchange: Any) -> float:
    """Seconds, from a number or a date; 0 where the venue does not tell."""
    headers = {str(name).lower(): value for name, value in (exchange.last_response_headers or {}).items()}
    told = str(headers.get("retry-after", ""))
    if told.replace(".", "", 1).isdigit():
        return float(told)
    try:
        at = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return 0.0
    return max(0.0, (at - datetime.now(at.tzinfo)).total_seconds())
