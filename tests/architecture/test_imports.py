"""The layers: each app imports only what is below it, and the rules only the standard library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, name

RULES = "ledger.rules"


def test_every_contract_of_import_linter_is_kept() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "ledger" / "rules").rglob("*.py")), ids=name)
def test_the_rules_import_only_themselves_and_the_standard_library(path: Path) -> None:
    foreign = set()
    for node in ast.walk(ast.parse(path.read_text())):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            imported = [f"{node.module}.{alias.name}" for alias in node.names]
        foreign |= {module for module in imported if not is_pure(module)}
    assert foreign == set()


def is_pure(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names or module.startswith(RULES)
