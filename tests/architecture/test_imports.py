"""The layers: each app imports only what is below it, and the pure half of the ledger only the standard library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, name

PURE = ["money", "events", "commands", "errors", "facts", "decisions", "guards", "aggregates", "refusals"]


def pure_modules() -> list[Path]:
    """Return the files of the pure half of the ledger, whether modules or packages."""
    tops = [ROOT / "ledger" / part for part in PURE]
    files = [file for top in tops for file in (top.with_suffix(".py"), *top.rglob("*.py")) if file.exists()]
    return sorted(files)


def test_every_contract_of_import_linter_is_kept() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", pure_modules(), ids=name)
def test_the_pure_half_of_the_ledger_imports_only_itself_and_the_standard_library(path: Path) -> None:
    foreign = set()
    for node in ast.walk(ast.parse(path.read_text())):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            imported = [f"{node.module}.{alias.name}" for alias in node.names]
        foreign |= {module for module in imported if not is_pure(module)}
    assert foreign == set()


def is_pure(module: str) -> bool:
    top, _, rest = module.partition(".")
    return top in sys.stdlib_module_names or (top == "ledger" and rest.partition(".")[0] in PURE)
