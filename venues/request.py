"""One request to a venue through ccxt: retried where that can help, and every failure under a stable code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

    Network errors, 429, 5xx and answers that are no JSON are tried again, after the venue's `Retry-After` where it
    gives one. VENUE_UNREACHABLE or VENUE_BAD_ANSWER when patience ends; VENUE_SYMBOL_UNKNOWN, VENUE_NOT_OFFERED and
    VENUE_REFUSED at once.
    """
    import ccxt
    import tenacity

    doubling = tenacity.wait_exponential_jitter(
        multiplier=patience.first_wait_s, max=patience.longest_wait_s, jitter=patience.first_wait_s
    )

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        told = _retry_after(exchange) if isinstance(failure, (ccxt.DDoSProtection, ccxt.RateLimitExceeded)) else 0.0
        return min(patience.longest_wait_s, max(told, doubling(state)))

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=wait,
        retry=tenacity.retry_if_exception_type((ccxt.NetworkError, ccxt.BadResponse)),
        reraise=True,
    )
    try:
        return retrying(call)
    except ccxt.NetworkError as error:
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
    headers = exchange.last_response_headers or {}
    told = str(headers.get("Retry-After", ""))
    return float(told) if told.isdigit() else 0.0
