"""Settings: `config/tickhouse.toml` under the environment, checked, with nothing read at import.

`load()` is the only way in. Secrets (`SecretStr`) come from the environment only.
"""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from infra.endpoints import Service, address
from infra.errors import ErrorCode, TickhouseError

_PREFIX = "TICKHOUSE_"
PROJECT = Path(__file__).resolve().parent.parent


class ConfigCode(ErrorCode):
    """What can be wrong with the configuration."""

    CONFIG_MISSING = "the configuration file does not exist", "create it, or name another with TICKHOUSE_CONFIG"
    CONFIG_INVALID = "a setting is unknown or has a wrong value", "correct the key named here"


class Profile(StrEnum):
    """Where the servers are."""

    EMBEDDED = "embedded"
    SERVER = "server"


class Gateway(StrEnum):
    """Where orders go."""

    PAPER = "paper"
    CCXT = "ccxt"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClickHouse(_Section):
    """Where history is kept."""

    url: str = ""
    user: str = "default"
    password: SecretStr = SecretStr("")
    database: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "tickhouse"

    @field_validator("database")
    @classmethod
    def _own_database(cls, name: str) -> str:
        # On chDB `default` is an overlay that also looks at local files.
        if name == "default":
            raise ValueError("choose a database of its own, not `default`")
        return name


class Redis(_Section):
    """Where live state is shared."""

    url: str = ""


class Dagster(_Section):
    """Where Dagster keeps runs and events."""

    postgres_url: str = ""
    postgres_password: SecretStr = SecretStr("")


class MLflow(_Section):
    """Where models are tracked."""

    tracking_uri: str = ""


class Venue(_Section):
    """Which venue, which symbols (ccxt's unified names), from which day."""

    name: str = "binance"
    sandbox: bool = True
    symbols: tuple[str, ...] = ()
    history_start: date = date(2026, 1, 1)
    api_key: SecretStr = SecretStr("")
    api_secret: SecretStr = SecretStr("")


class Sandbox(_Section):
    """The exchange on localhost."""

    seed: int = 7
    speed: Annotated[float, Field(gt=0, le=1000)] = 1.0
    lag_s: Annotated[float, Field(ge=0)] = 0.0
    quote_rate: Annotated[float, Field(ge=0, le=1000)] = 2.0


class Live(_Section):
    """The live flow."""

    account: str = "paper-main"
    portfolio: str = "main"
    gateway: Gateway = Gateway.PAPER
    # Of each settlement currency, when a paper account is first met; what it has then stands in its journal.
    paper_deposit: Annotated[Decimal, Field(gt=0, decimal_places=8)] = Decimal(100_000)
    busy_poll: bool = False
    strategies: tuple[str, ...] = ("momentum", "ml")


class Mail(_Section):
    """Where alerts go; no host means that none is sent."""

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    starttls: bool = False
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = "tickhouse@localhost"
    recipients: tuple[str, ...] = ()
    # Further ways for alerts, as Apprise URLs (slack://, tgram://, ...). They hold tokens: environment only.
    channels: tuple[SecretStr, ...] = ()


_Days = Annotated[int, Field(ge=0, le=36_500)]


class Retention(_Section):
    """How many days rows are kept after they were stored, by table; 0 is for ever."""

    bars: _Days = 3650
    trades: _Days = 365
    quotes: _Days = 365
    book_snapshots: _Days = 365
    book_deltas: _Days = 365
    funding_rates: _Days = 3650
    open_interest: _Days = 3650
    series: _Days = 0
    features: _Days = 365
    labels: _Days = 365
    predictions: _Days = 365


class Archive(_Section):
    """Days of tables as Parquet, made before their rows age out."""

    enabled: bool = True
    url: str = ""                                        # empty: the home folder; else any fsspec URL
    lead_days: Annotated[int, Field(ge=2, le=365)] = 7   # so long before its rows age out a day is archived


class Housekeeping(_Section):
    """How many days old runs and files are kept; 0 is for ever."""

    runs: _Days = 90
    failed_runs: _Days = 365
    staging: _Days = 7
    training_sets: _Days = 90
    input_logs: _Days = 90


class Settings(BaseSettings):
    """All settings, immutable. Addresses left empty are those of the embedded stack."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    profile: Profile = Profile.EMBEDDED
    home: Path = PROJECT / ".tickhouse"
    sources: Path = PROJECT / "config" / "sources.toml"  # another: TICKHOUSE_SOURCES
    clickhouse: ClickHouse = ClickHouse()
    redis: Redis = Redis()
    dagster: Dagster = Dagster()
    mlflow: MLflow = MLflow()
    venue: Venue = Venue()
    sandbox: Sandbox = Sandbox()
    live: Live = Live()
    mail: Mail = Mail()
    retention: Retention = Retention()
    archive: Archive = Archive()
    housekeeping: Housekeeping = Housekeeping()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def clickhouse_url(self) -> str:
        """HTTP address of ClickHouse; STACK_NOT_RUNNING when it is the embedded one and that is down."""
        return self.clickhouse.url or address(self.home, Service.CLICKHOUSE)

    @property
    def redis_url(self) -> str:
        """Address of Redis; STACK_NOT_RUNNING as above."""
        return self.redis.url or address(self.home, Service.REDIS)

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking address; STACK_NOT_RUNNING as above."""
        return self.mlflow.tracking_uri or address(self.home, Service.MLFLOW)

    @property
    def sandbox_url(self) -> str:
        """HTTP address of the sandbox exchange; STACK_NOT_RUNNING as above."""
        return address(self.home, Service.SANDBOX)


def config_file() -> Path:
    """The configuration file: TICKHOUSE_CONFIG, or `config/tickhouse.toml` of the project."""
    return Path(os.environ.get("TICKHOUSE_CONFIG", PROJECT / "config" / "tickhouse.toml"))


def load() -> Settings:
    """The settings as of now: file and environment are read anew at each call."""
    file = config_file()
    if not file.is_file():
        raise TickhouseError(ConfigCode.CONFIG_MISSING, file=file)
    for name in os.environ:  # pydantic passes over a section that it does not know
        section, nested, _ = name.removeprefix(_PREFIX).partition("__")
        if name.startswith(_PREFIX) and nested and section.lower() not in Settings.model_fields:
            raise TickhouseError(ConfigCode.CONFIG_INVALID, key=name, problem="no such section")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise TickhouseError(ConfigCode.CONFIG_INVALID, file=file, key=key, problem=first["msg"]) from error
    except ValueError as error:  # broken TOML
        raise TickhouseError(ConfigCode.CONFIG_INVALID, file=file, problem=error) from error
