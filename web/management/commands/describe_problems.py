"""`manage.py describe_problems`: write docs/problems.md from the kinds of problems in the code."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from web.api.problem_pages import FAMILIES, refusals
from web.protocol import problem_kinds
from web.protocol.problem_kinds import ProblemKind

INTRODUCTION: Final = """# Problems

Every error is `application/problem+json` (RFC 9457). Its `type` is a slug that never changes, `status` is the status of
the response, `title` and `detail` are for people, and the figures that the rule compared are members of their own. If a
fault has a place, `errors` lists each with its `pointer` (RFC 6901). Nothing is recorded unless the table says so.
`GET /api/problems/<slug>` answers one row of the table.

This page is written by `manage.py describe_problems`; `make check` fails if it differs from the code.
"""
HEADINGS: Final = (
    "A field is invalid",
    "Something does not exist",
    "It has been done already",
    "A rule forbids it",
)
HEADER: Final = "| title | slug | status | members | what to do |\n|---|---|---:|---|---|"


class Command(BaseCommand):
    """Writes the document, or compares it with the code."""

    help = "Writes docs/problems.md from the kinds of problems in the code. With --check, only compares it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the document is out of date")

    def handle(self, *_args: object, check: bool, **_options: object) -> None:
        """Write the document if it differs from the code; with `check`, fail instead."""
        path = Path(settings.BASE_DIR) / "docs" / "problems.md"
        text = "\n".join(document())
        if path.exists() and path.read_text() == text:
            return
        if check:
            raise CommandError("docs/problems.md is out of date: run manage.py describe_problems")
        path.write_text(text)
        self.stdout.write(f"wrote {path}")


def document() -> Iterator[str]:
    """Yield the parts of the document: the ledger's refusals by family, then the problems of HTTP."""
    yield INTRODUCTION
    for heading, family in zip(HEADINGS, FAMILIES, strict=True):
        yield from table(heading, refusals(family))
    yield from table("HTTP", problem_kinds.KINDS)


def table(heading: str, of: Iterable[ProblemKind]) -> Iterator[str]:
    """Yield a heading, and a table with a row for each kind."""
    yield f"## {heading}\n"
    yield HEADER
    for kind in of:
        members = ", ".join(f"`{name}`" for name in kind.members)
        yield f"| {kind.title} | `{kind.slug}` | {kind.status} | {members} | {kind.remedy} |"
    yield ""
