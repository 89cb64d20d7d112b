"""One database with the seeded history and all marts, built once for all tests of this folder."""

from __future__ import annotations

import dagster as dg
import pytest

from infra.settings import load
from tests.dbt import seed


class Marts:
    """The database and the asset that makes its marts."""

    def __init__(self, environment: dict[str, str]) -> None:
        from assets import marts
        from store.clickhouse import connect, migrate

        self.environment = environment
        self.built = marts.build({})
        self.instance = dg.DagsterInstance.ephemeral()
        with pytest.MonkeyPatch.context() as patch:
            self._set(patch)
            self.settings = load()
        migrate(self.settings)
        self.client = connect(self.settings)
        seed.write(self.client)
        self.first = self.run()

    def run(self) -> dg.ExecuteInProcessResult:
        with pytest.MonkeyPatch.context() as patch:
            self._set(patch)
            return dg.materialize(self.built, instance=self.instance)

    def read(self, sql: str):
        from store import reader

        return reader.query(self.client, sql)

    def table(self, name: str, **equal):
        """Rows of a mart or staging model whose columns equal these values."""
        return self.read(f"SELECT * FROM {name} ORDER BY ALL").filter(**equal)  # noqa: S608 - names of ours

    def _set(self, patch: pytest.MonkeyPatch) -> None:
        for name, value in self.environment.items():
            patch.setenv(name, value)


@pytest.fixture(scope="session")
def marts(fresh_environment):
    made = Marts(fresh_environment())
    yield made
    made.client.close()
