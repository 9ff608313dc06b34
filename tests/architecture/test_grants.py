"""Every grant is made by ledger.grant.grant_balances."""

import ast

from tests.architecture.sources import ROOT, application, name, tree

GRANT = ROOT / "ledger" / "grant.py"


def test_only_grant_balances_makes_the_command() -> None:
    calls = {
        f"{name(path)}:{node.lineno}": node.func
        for path in application()
        if path != GRANT
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    }
    assert [at for at, call in calls.items() if isinstance(call, ast.Name) and call.id == "GrantBalances"] == []
