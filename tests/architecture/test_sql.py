"""SQL that names a table stands in the package that owns the table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.apps import apps

from tests.architecture.sources import APPLICATION, ROOT, application, name, tree

OWNERS: Final = {
    model._meta.db_table: config.name
    for config in apps.get_app_configs()
    if config.name in APPLICATION
    for model in config.get_models(include_auto_created=True)
}
NAMED: Final = re.compile(rf"\b(?:{'|'.join(OWNERS)})\b(?!\.)")
FILES: Final = [*application(), *(path for app in APPLICATION for path in sorted((ROOT / app).rglob("*.sql")))]


def literals(path: Path) -> Iterator[str]:
    """Yield the strings of a module, or the whole of a file of SQL; docstrings name what they like."""
    if path.suffix == ".sql":
        yield path.read_text()
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode()


def test_every_package_with_tables_owns_some() -> None:
    assert set(OWNERS.values()) == {"eventstore", "ledger", "projectors", "relays", "web"}


def test_a_table_is_named_only_by_its_owner() -> None:
    named = {(name(path), table) for path in FILES for literal in literals(path) for table in NAMED.findall(literal)}
    assert {(path, table) for path, table in named if OWNERS[table] != path.partition("/")[0]} == set()
