"""Error codes are stable, unique and explain the next step."""

import pickle
from collections import Counter

from cli.docs import REFERENCE, pages
from cli.reference.errors import error_enums
from infra.errors import ErrorCode, TickhouseError
from infra.settings import ConfigCode


def test_message_has_code_context_meaning_and_next_step():
    error = TickhouseError(ConfigCode.CONFIG_MISSING, file="x.toml")
    assert str(error) == (
        "CONFIG_MISSING file=x.toml: the configuration file does not exist; "
        "create it, or name another with TICKHOUSE_CONFIG"
    )


def test_errors_cross_process_borders():
    error = pickle.loads(pickle.dumps(TickhouseError(ConfigCode.CONFIG_INVALID, key="a.b")))
    assert error.code is ConfigCode.CONFIG_INVALID
    assert error.context == {"key": "a.b"}


def test_members_with_equal_texts_stay_apart():
    class Twin(ErrorCode):
        ONE_THING = "same", "same"
        OTHER_THING = "same", "other"

    assert [str(member) for member in Twin] == ["ONE_THING", "OTHER_THING"]


def test_codes_are_unique_in_the_project():
    names = Counter(member.name for kind in error_enums() for member in kind)
    assert [name for name, count in names.items() if count > 1] == []


def test_no_member_hides_behind_another():
    hidden = [name for kind in error_enums() for name, member in kind.__members__.items() if member.name != name]
    assert hidden == []


def test_generated_pages_are_current():
    stale = [name for name, text in pages().items() if (REFERENCE / name).read_text() != text]
    assert stale == [], "run `make docs`"
