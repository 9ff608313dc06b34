"""Loads the named statements of an SQL file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)
_COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)


def named_sql(path: Path, **names: str) -> Mapping[str, str]:
    """Return the statements of a file by name, with `{name}` replaced by the text given for it.

    A statement begins with a line `-- name: <name>` and ends where the next one begins.
    """
    _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
    statements = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: _filled(statement, names) for name, statement in statements.items()}


def _filled(statement: str, names: Mapping[str, str]) -> str:
    for name, text in names.items():
        statement = statement.replace(f"{{{name}}}", text)
    return _COMMENT.sub("", statement).strip()
