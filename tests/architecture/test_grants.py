"""Every grant is made by ledger.grant.grant_balances."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, application, name

GRANT = ROOT / "ledger" / "grant.py"


@pytest.mark.parametrize("path", [path for path in application() if path != GRANT], ids=name)
def test_only_grant_balances_makes_the_command(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "GrantBalances"] == []
