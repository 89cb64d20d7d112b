"""The digest as a pure function: page and text tell the same."""

import html

from hypothesis import given
from hypothesis import strategies as st

from infra.mail import Picture
from orchestration import alerts_digest
from orchestration.alerts_found import Alert, Kind, Link, Table

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)
TABLES = st.builds(
    lambda rows, total, verbatim: Table("rows", ("a", "b"), tuple(rows), len(rows) + total, verbatim),
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.integers(0, 50), st.booleans(),
)
ALERTS = st.builds(
    Alert, st.sampled_from(Kind), st.sampled_from(["CRITICAL", "ERROR", "WARN"]), WORDS, WORDS, st.just("/runs/1"),
    st.sampled_from([0.0, 1.7e9]), st.just((Link("run", "/runs/1"),)), st.lists(TABLES, max_size=2).map(tuple),
    st.sampled_from([None, Picture("coverage-1", b"png")]), st.one_of(st.just(""), WORDS),
)


@given(st.lists(ALERTS, min_size=1, max_size=8), st.sampled_from(["", "http://ui"]))
def test_text_and_page_tell_the_same(alerts, ui):
    message = alerts_digest.compose(alerts, ui)
    page = html.unescape(message.html)
    for alert in alerts:
        said = [alert.title, alert.detail, *(cell for table in alert.tables for row in table.rows for cell in row)]
        assert all(word in message.text and word in page for word in said)
    assert ("http://ui/runs/1" in message.text) == ("http://ui/runs/1" in page) == bool(ui)
    assert [f"cid:{picture.name}" in message.html for picture in message.pictures] == [True] * len(message.pictures)
    assert len(message.subject) <= 160
    assert "\n" not in message.subject


def test_what_a_source_wrote_stays_text():
    evil = "<script>alert(1)</script>"
    table = Table("rows", ("instrument", "row"), ((evil, evil),), 1, verbatim=True)
    message = alerts_digest.compose([Alert(Kind.QUALITY, "ERROR", evil, evil, tables=(table,))])
    assert "<script" not in message.html


def test_a_long_section_is_cut_and_the_gravest_come_first():
    many = [Alert(Kind.RUN, "WARN", f"run {number}", "why") for number in range(30)]
    message = alerts_digest.compose([*many, Alert(Kind.RUN, "ERROR", "the bad one", "why")])
    assert message.subject == "Tickhouse: 31 failed runs"
    assert message.text.index("the bad one") < message.text.index("run 0")
    for text in (message.text, message.html, message.short):
        assert "and 11 more" in text
    assert "run 19" not in message.text


def test_the_subject_names_single_things_and_counts_the_rest():
    alerts = [
        Alert(Kind.QUALITY, "ERROR", "t", "", brief="bars quarantined"), Alert(Kind.RUN, "ERROR", "nightly failed", "")
    ]
    assert alerts_digest.compose(alerts).subject == "Tickhouse: bars quarantined; nightly failed"
    alerts.append(Alert(Kind.STALE, "WARN", "stale", ""))
    assert alerts_digest.compose(alerts).subject == "Tickhouse: bars quarantined; 1 failed run; 1 stale dataset"
