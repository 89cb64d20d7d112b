"""What assets are given to work with; each opens its connection when asked, not before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.ingest.source import Source
from infra import settings as configuration
from infra.home import Home
from research.tracking import Tracker

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from redis import Redis


class ClickHouse(dg.ConfigurableResource[Any]):
    """The database of the settings."""

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client on our database, closed at the end."""
        from store import clickhouse

        client = clickhouse.connect(configuration.load())
        try:
            yield client
        finally:
            client.close()


class VenueSource(dg.ConfigurableResource[Any]):
    """The venue of the settings, by ccxt: the sandbox exchange, or a real venue's public data."""

    def open(self) -> Source:
        """The venue's history."""
        from venues.ccxt_source import CcxtSource
        from venues.exchange import make_exchange

        settings = configuration.load()
        venue = settings.venue
        url = settings.sandbox_url if venue.sandbox else None
        return CcxtSource(make_exchange(venue.name, sandbox_url=url))


class Tracking(dg.ConfigurableResource[Any]):
    """Where models are tracked and published."""

    @property
    def home(self) -> Home:
        """Our files on this machine."""
        return Home(configuration.load().home)

    def tracker(self) -> Tracker:
        """MLflow at the address of the settings."""
        return Tracker(configuration.load().mlflow_uri, self.home.root / "mlflow" / "artifacts")

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """Redis, closed at the end."""
        from store import redis_state

        client = redis_state.connect(configuration.load())
        try:
            yield client
        finally:
            client.close()
