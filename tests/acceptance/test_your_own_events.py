"""The event store is installed alone in a new Django project with events of its own, as the how-to says."""

import ast
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.support.documents import pages
from tests.support.documents.terminal import compare, outputs
from tests.support.processes import ROOT

[PAGE] = pages.ALONE
UV: Final = Path(sys.executable).parent / "uv"
VENV: Final = "python3 -m venv venv\n"
INSTALL: Final = "venv/bin/python -m pip install --quiet ./daybook\n"
_PIP: Final = f"{{ {VENV.strip()} && {INSTALL.strip()}; }}\n"
QUICK: Final = {
    VENV: f"{UV} venv --quiet --python {sys.executable} venv 2>/dev/null || {VENV}",
    INSTALL: f"{UV} pip install --quiet --python venv ./daybook 2>/dev/null || {_PIP}",
}
"""uv makes a virtual environment without pip, and takes the packages from its cache, in a tenth of the time."""
PACKAGES: Final = {
    "psycopg": "psycopg[binary]",
    "pydantic_core": "pydantic",
    "pygments": "Pygments",
    "django": "Django",
    "prometheus_client": "prometheus-client",
}
"""The package of a module that has another name."""


def write(block: pages.Block, folder: Path) -> None:
    """Write a block of Python to the file that its first line names; settings are added at the end."""
    named = re.match(r"# (\S+)\n", block.text)
    assert named is not None, block
    file = folder / named[1]
    before = file.read_text() if file.name == "settings.py" else ""
    file.write_text(before + block.text)


@pytest.mark.one_database
def test_a_project_with_events_of_its_own_works_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "eventstore", tmp_path / "daybook" / "eventstore")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "daybook")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "PYTHON", "DAYBOOK", "DJANGO"))
    }
    steps = pages.steps(PAGE)
    begin = next(number for number, step in enumerate(steps) if "makemigrations" in step.command)
    assert {step.command for step in steps[:begin]} >= QUICK.keys()
    typed = [QUICK.get(step.command, step.command) for step in steps]
    seen = outputs(typed[:begin], tmp_path, environment, tmp_path / "nowhere", linked=())
    compare(steps[:begin], seen)
    for block in pages.blocks(PAGE):
        if block.language == "python":
            write(block, tmp_path)
    aliases = "".join(command for command in typed[:begin] if command.startswith("alias "))
    seen = outputs(
        [aliases + typed[begin], *typed[begin + 1 :]], tmp_path, environment, tmp_path / "nowhere", linked=()
    )
    compare(steps[begin:], seen)
    assert list((tmp_path / "venv").glob("lib/*/site-packages/eventstore/store.py"))
    assert not list((tmp_path / "venv").glob("lib/*/site-packages/ledger"))


def imported(file: Path) -> set[str]:
    """Return the top-level modules that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.one_database
def test_what_the_event_store_imports_is_installed_with_it() -> None:
    modules = {name for file in (ROOT / "eventstore").rglob("*.py") for name in imported(file)}
    needed = {PACKAGES.get(name, name) for name in modules - sys.stdlib_module_names - {"eventstore"}}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert needed == {re.split("[<>=]", dependency)[0] for dependency in project["dependencies"]}
