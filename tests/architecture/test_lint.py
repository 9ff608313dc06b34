"""Every exemption from ruff or mypy is needed, and says why it is there."""

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from tests.architecture.sources import ROOT, everything, name

PYPROJECT: Final = (ROOT / "pyproject.toml").read_text()
SETTINGS: Final = tomllib.loads(PYPROJECT)
EXEMPTIONS: Final = re.compile(r"# (?:noqa|type: ignore)(?:: (?P<rule>[A-Z0-9]+)|\[(?P<code>[a-z-]+)\])(?P<reason>.*)")


@cache
def findings(*options: str) -> dict[str, set[str]]:
    """Return what ruff finds with some options: the paths by rule."""
    command = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--output-format",
        "json",
        "--exit-zero",
        "--quiet",
    ]
    done = subprocess.run([*command, *options, "."], cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, set[str]] = defaultdict(set)
    for finding in json.loads(done.stdout):
        found[finding["code"]].add(name(Path(finding["filename"])))
    return found


def lint() -> dict[str, Any]:
    settings: dict[str, Any] = SETTINGS["tool"]["ruff"]["lint"]
    return settings


@pytest.mark.parametrize("rule", lint()["ignore"])
def test_a_rule_that_is_off_would_find_something(rule: str) -> None:
    off = ",".join(lint()["ignore"])
    assert rule in findings("--isolated", "--target-version", "py311", "--select", off)


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [(pattern, rule) for pattern, rules in lint()["per-file-ignores"].items() for rule in rules],
)
def test_a_rule_that_is_off_in_some_files_would_find_something_there(pattern: str, rule: str) -> None:
    paths = {
        path
        for code, found in findings("--config", "lint.per-file-ignores = {}").items()
        if code.startswith(rule)
        for path in found
    }
    assert [path for path in paths if fnmatch(path, pattern)]


def test_every_rule_that_is_off_says_why() -> None:
    [ignored] = re.findall(r"^ignore = \[\n(.*?)^\]", PYPROJECT, re.MULTILINE | re.DOTALL)
    [in_some_files] = re.findall(
        r"^\[tool\.ruff\.lint\.per-file-ignores\]\n(.*?)^\[", PYPROJECT, re.MULTILINE | re.DOTALL
    )
    lines = [line for line in f"{ignored}{in_some_files}".splitlines() if re.search(r'"[A-Z]+\d*"', line)]
    assert [line for line in lines if not re.search(r'["\],] +# .', line)] == []


def test_every_module_that_mypy_passes_over_says_why() -> None:
    sections = PYPROJECT.split("[[tool.mypy.overrides]]")[1:]
    assert [section for section in sections if not re.search(r"^\w+ = (?:true|false) # .", section, re.MULTILINE)] == []


def test_an_exemption_in_the_code_says_why_the_first_time() -> None:
    # ruff itself refuses an exemption that silences nothing (RUF100), and so does mypy (warn_unused_ignores).
    unexplained = []
    for path in everything():
        explained = set()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for found in EXEMPTIONS.finditer(line):
                exempt = found["rule"] or found["code"]
                if re.search(r"[a-z]{2}", found["reason"].replace("noqa", "")):
                    explained.add(exempt)
                elif exempt not in explained:
                    unexplained.append(f"{name(path)}:{number} {exempt}")
    assert unexplained == []
