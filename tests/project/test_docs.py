"""What README.md and docs/ name exists: links, pictures, commands, options, settings, codes, files, modules."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import main as command_line
from cli.reference import config
from cli.reference.errors import python_files
from infra.settings import PROJECT

PAGES = sorted([PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")])
# Made by running, not by us.
HOME = ("logs/", "journal/", "input_log/", "models/", "reports/", "dead_letters/", "run/", "archive/", "staging/")

_BLOCK = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code(page: Path) -> list[str]:
    """Lines of code blocks and inline code of a page."""
    text = page.read_text()
    blocks = [line.strip() for block in _BLOCK.findall(text) for line in block.splitlines()]
    return blocks + _SPAN.findall(_BLOCK.sub("", text))


def found(pattern: str) -> set[tuple[str, str]]:
    """(page, first group) of each match in the code of any page."""
    return {
        (str(page.relative_to(PROJECT)), match) for page in PAGES for line in code(page)
        for match in re.findall(pattern, line)
    }


def absent(pattern: str, known: set[str]) -> list[tuple[str, str]]:
    return sorted((page, name) for page, name in found(pattern) if name not in known)


@pytest.fixture(scope="module")
def source() -> str:
    """All that could declare a name: our code and configuration."""
    texts = [*PROJECT.glob("config/*.toml"), *PROJECT.glob("store/migrations/*.sql")]
    files = [PROJECT / "Makefile", *texts, *python_files()]
    return "\n".join(file.read_text() for file in files)


def test_links_and_pictures_are_there():
    links = [(page, link) for page in PAGES for link in _LINK.findall(_BLOCK.sub("", page.read_text()))]
    broken = [
        (str(page.relative_to(PROJECT)), link) for page, link in links
        if "://" not in link and not link.startswith("#") and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert broken == []


def test_every_picture_is_shown_somewhere():
    shown = {Path(link).name for page in PAGES for link in _LINK.findall(page.read_text())}
    assert sorted(file.name for file in PROJECT.glob("docs/images/*") if file.name not in shown) == []


def test_tickhouse_commands_and_their_options_exist():
    command_line._register()
    root = typer.main.get_command(command_line.app)
    wrong = []
    for page in PAGES:
        for line in code(page):
            for words in re.findall(r"(?:^|[\s/])tickhouse( [a-z]+(?: [^|;&#]*)?)", line):
                problem = problem_of(root, shlex.split(words))
                if problem:
                    wrong.append((page.name, f"tickhouse{words}", problem))
    assert wrong == []


def problem_of(command: Any, words: list[str]) -> str:
    """What is wrong with a command line, empty where it could be typed."""
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    return f"no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [("halt --reason x", ""), ("verify journal", ""), ("help", "no command help"), ("verify all", "no command all"),
     ("up --now", "no option --now")],
)
def test_a_wrong_command_is_found(line, problem):
    command_line._register()
    assert problem_of(typer.main.get_command(command_line.app), line.split()) == problem


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert absent(r"(?:^|\s)make ([a-z]+)", targets) == []


def test_environment_variables_exist(source):
    known = {variable.strip("`") for _, variable, _ in config.settings()}
    known |= set(re.findall(r"TICKHOUSE_[A-Z]+(?:_[A-Z]+)*", source))
    assert absent(r"(TICKHOUSE_[A-Z][A-Z_]*[A-Z])", known) == []


def test_settings_exist():
    keys = {key.strip("`") for key, _, _ in config.settings()}
    sections = "|".join({key.partition(".")[0] for key in keys if "." in key})
    assert absent(rf"^((?:{sections})\.[a-z_]+)(?:$| =)", keys) == []
    pairs = [pair.strip("[").split("] ") for _, pair in found(rf"(\[(?:{sections})\] [a-z_]+)")]
    assert {f"{section}.{key}" for section, key in pairs} <= keys


def test_limits_exist():
    limits = (PROJECT / "config" / "risk_limits.toml").read_text()
    names = set(re.findall(r"^\w+", limits, re.MULTILINE)) | {"max_qty"}  # a column of `trading_rules`
    assert absent(r"\b(max_[a-z_]+|price_collar|daily_volatility|warning_at)\b", names) == []


def test_codes_and_constants_exist(source):
    names = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", source))
    assert absent(r"(?<![\w$])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", names) == []


def test_files_and_modules_exist():
    files = {
        (page, name) for page, name in found(r"(?:^|[\s=(\"'])((?:[a-z_]+/)+[\w./]+\.(?:py|toml|sql|md|yml))\b")
        if not name.startswith(HOME) and not (PROJECT / name).exists() and not (PROJECT / "docs" / name).exists()
    }
    assert {(page, name) for page, name in files if "NAME" not in name and "reversal" not in name} == set()
    modules = {name for _, name in found(r"-m ([a-z_]+(?:\.[a-z_]+)*)")}
    assert [name for name in sorted(modules) if importlib.util.find_spec(name) is None] == []
