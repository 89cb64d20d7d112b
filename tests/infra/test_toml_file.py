import pytest

from infra import toml_file
from infra.errors import TickhouseError
from infra.toml_file import TomlCode


def test_tables_come_back(tmp_path):
    (tmp_path / "a.toml").write_text('[a]\nb = "1 %"\n')
    assert toml_file.read(tmp_path / "a.toml") == {"a": {"b": "1 %"}}


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, TomlCode.TOML_MISSING), (b"a = ", TomlCode.TOML_INVALID), (b"a = '\xff'", TomlCode.TOML_INVALID)],
)
def test_a_file_that_is_absent_or_broken_is_named(tmp_path, content, code):
    file = tmp_path / "a.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TickhouseError) as caught:
        toml_file.read(file)
    assert caught.value.code is code
    assert caught.value.context["file"] == file
