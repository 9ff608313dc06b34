"""Writes docs/problems.md from the kinds of problems, so that the document never differs from the code."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from web.api.problem_pages import FAMILIES, refusals
from web.protocol import problem_kinds
from web.protocol.problem_kinds import Kind

INTRODUCTION: Final = """# Problems

Every answer that says no is `application/problem+json` (RFC 9457): its `type` is a slug that never changes,
`status` is that of the answer, `title` and `detail` are for people, and the figures that the rule looked at
are members of their own. Where a fault has a place, `errors` lists each with its `pointer` (RFC 6901). Nothing is
recorded, unless the table says otherwise. `GET /api/problems/<slug>` answers one row of it.

Written by `manage.py describe_problems`; `make check` fails where it differs from the code.
"""
HEADINGS: Final = (
    "A field is wrong by itself",
    "Something named is not there",
    "It has been done",
    "A rule is against it",
)
HEADER: Final = "| rule | slug | status | members | what to do |\n|---|---|---:|---|---|"


class Command(BaseCommand):
    """Write the document, or compare it."""

    help = "Writes docs/problems.md from the kinds of problems; with --check only says whether it is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the choice not to write."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where the document is out of date"
        )

    def handle(self, *_args: object, check: bool, **_options: object) -> None:
        """Write the document where it differs; with `check` refuse to."""
        path = Path(settings.BASE_DIR) / "docs" / "problems.md"
        text = "\n".join(document())
        if path.exists() and path.read_text() == text:
            return
        if check:
            raise CommandError("docs/problems.md is out of date: run manage.py describe_problems")
        path.write_text(text)
        self.stdout.write(f"wrote {path}")


def document() -> Iterator[str]:
    """Yield the parts: the ledger's refusals by family, then what HTTP itself brings."""
    yield INTRODUCTION
    for heading, family in zip(HEADINGS, FAMILIES, strict=True):
        yield from table(heading, refusals(family))
    yield from table("Of HTTP itself", problem_kinds.KINDS)


def table(heading: str, of: Iterable[Kind]) -> Iterator[str]:
    """Yield a heading and a row for each kind."""
    yield f"## {heading}\n"
    yield HEADER
    for kind in of:
        members = ", ".join(f"`{name}`" for name in kind.members)
        yield f"| {kind.title} | `{kind.slug}` | {kind.status} | {members} | {kind.remedy} |"
    yield ""
