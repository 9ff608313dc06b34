"""The project's own Python files."""

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
APPLICATION: Final = ("settings", "web", "relays", "processmanagers", "projectors", "ledger", "eventstore")


def application() -> list[Path]:
    """Return the files of the application, without migrations, which Django writes."""
    files = [ROOT / "manage.py", *(path for app in APPLICATION for path in (ROOT / app).rglob("*.py"))]
    return sorted(path for path in files if "migrations" not in path.parts)


def everything() -> list[Path]:
    """Return those, and the files of the tests and benchmarks."""
    return sorted([*application(), *(path for top in ("tests", "benchmarks") for path in (ROOT / top).rglob("*.py"))])


def name(path: Path) -> str:
    """Return the path within the project."""
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(), filename=str(path))
