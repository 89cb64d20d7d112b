"""What assets are given to work with; each opens its connection when asked, not before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from infra import settings as configuration
from infra.home import Home
from research.tracking import Tracker
from venues import catalogue
from venues.source import Source

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


class Sources(dg.ConfigurableResource[Any]):
    """Whatever has history: venues by ccxt (the sandbox exchange where the settings say so), files, series."""

    def rest(self, venue: str, symbols: Sequence[str]) -> Source:
        """The venue's REST interface, its spot market where no symbol names a settlement currency."""
        from venues.ccxt_source import CcxtSource
        from venues.exchange import make_exchange

        settings = configuration.load()
        sandbox = settings.venue.sandbox and venue == settings.venue.name
        market = "linear" if any(":" in symbol for symbol in symbols) else "spot"
        exchange = make_exchange(venue, settings.sandbox_url if sandbox else None, market=market)
        return CcxtSource(exchange, staging=Home(settings.home).staging / "pages")

    def files(self, entry: catalogue.Files) -> Source:
        """Bulk files."""
        from venues.files.source import FileSource

        return FileSource(entry)

    def index(self, entry: catalogue.Index) -> Source:
        """A dated series."""
        from venues.index.source import IndexSource

        return IndexSource(entry)


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
