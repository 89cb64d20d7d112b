"""Nightly risk report: VaR and ES, drawdown, correlation, stress, optimal weights, use of limits."""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from assets import risk_report_charts, risk_report_page, risk_report_portfolio
from assets.errors import AssetCode
from assets.resources import ClickHouse
from assets.risk_report_figures import Figures, compute
from infra import mail, settings, toml_file
from infra.errors import TickhouseError
from infra.home import Home
from risk import limits as risk_limits
from risk import stress
from risk.level import Level
from store import instruments

GROUP = "risk"
CHECK = "limits"


def build(venue: str, symbols: Sequence[str], daily: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """The asset `risk_report`: one report a day, about the positions at the end of that day."""

    @dg.asset(
        name="risk_report", group_name=GROUP, kinds={"riskfolio", "html"}, partitions_def=daily,
        deps=[dg.AssetKey([venue, "bars_1m"])],
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset="risk_report", description="No limit is breached at the end of the day")
        ],
        description="VaR, expected shortfall, stress and use of limits, as a page, as pictures here, and by e-mail",
    )
    def risk_report(
        context: dg.AssetExecutionContext, clickhouse: ClickHouse
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        day = date.fromisoformat(context.partition_key)
        figures = _figures(clickhouse, venue, symbols, day)
        breached = [usage.limit_name for usage, level in figures.usages if level >= Level.ERROR]
        yield dg.AssetCheckResult(
            check_name=CHECK, passed=not breached, severity=dg.AssetCheckSeverity.WARN,
            metadata={"breached": ", ".join(breached) or "none"},
        )
        try:
            yield _publish(figures, day, context.run.run_id)
        except TickhouseError as error:
            if error.code is not mail.MailCode.MAIL_NOT_SENT:
                raise
            # The page stands; only the mail is tried again.
            raise dg.RetryRequested(max_retries=5, seconds_to_wait=60) from error

    return [risk_report]


def _figures(clickhouse: ClickHouse, venue: str, symbols: Sequence[str], day: date) -> Figures:
    config = settings.PROJECT / "config"
    limits = risk_limits.parse(toml_file.read(config / "risk_limits.toml"))
    scenarios = stress.parse(toml_file.read(config / "stress.toml"))
    account = settings.load().live.account
    with clickhouse.client() as client:
        held = risk_report_portfolio.positions(client, account, day)
        every = instruments.load(client)
        universe = [life for life in every if life.venue == venue and life.symbol in symbols and not life.valid_to]
        lives = [life for life in every if life.id in held] if held else universe
        if not lives:
            raise TickhouseError(AssetCode.INGEST_INSTRUMENTS_MISSING, venue=venue)
        past = risk_report_portfolio.history(client, lives, day)
    holdings = (
        risk_report_portfolio.account_holdings(account, limits.currency, past, held)
        if held
        else risk_report_portfolio.model_holdings(limits.currency, past.symbols)
    )
    return compute(holdings, past, limits, scenarios)


def _publish(figures: Figures, day: date, run_id: str) -> dg.MaterializeResult[None]:
    configuration = settings.load()
    footer = f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by run {run_id}."
    pictures = risk_report_charts.draw(figures)
    folder = Home(configuration.home).reports / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "risk_report.html"
    draft = folder / "risk_report.html.tmp"
    draft.write_text(risk_report_page.page(figures, pictures, footer), encoding="utf-8")
    draft.replace(file)
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture.png)
    mailed = mail.send(configuration.mail, risk_report_page.mail(figures, pictures, footer))
    tail = figures.tail("historical", 0.99, 1)
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.md(risk_report_page.markdown(figures)),
            "file": dg.MetadataValue.path(file),
            "var_99_1d": tail.value_at_risk * figures.gross,
            "es_99_1d": tail.expected_shortfall * figures.gross,
            "var_95_1d": figures.tail("historical", 0.95, 1).value_at_risk * figures.gross,
            "currency": figures.holdings.currency,
            "portfolio": figures.holdings.name,
            "gross": figures.gross,
            "max_drawdown": figures.fall.maximum,
            "average_correlation": figures.average_correlation,
            "returns": len(figures.returns),
            "mailed": mailed,
            **{
                name: dg.MetadataValue.md(f"![{name}](data:image/png;base64,{base64.b64encode(one.png).decode()})")
                for name, one in pictures.items()
            },
        }
    )
