"""The pages in a ZIP of evidence: they need no server, and say the same whenever they are made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from projectors.explain.answers.subject import Explanation, sentence
from projectors.explain.answers.text import moment_text, title_of
from projectors.explain.figures import Equation, Proof
from projectors.explain.moment import Moment
from projectors.explain.product import ProductExplanation
from projectors.explain.words import amount_text
from web.books import charts
from web.books.audit.zip_stream import File

STYLES: Final = {
    "styles/base.css": "admin/css/base.css",
    "styles/dark_mode.css": "admin/css/dark_mode.css",
    "styles/books.css": "books/books.css",
}
_READ_MODEL: Final = "the read model"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page; the columns in `numbers` are aligned to the right."""

    title: str
    heading: Sequence[str]
    rows: Iterable[Sequence[Any]]
    numbers: frozenset[int] = frozenset()


def lasting(explained: Explanation) -> Explanation:
    """Return an explanation without what changes later: a read model keeps only the present."""
    ways = tuple(way for way in explained.proof.ways if way.name != _READ_MODEL)
    return replace(explained, proof=Proof(explained.proof.position, ways))


def explanation_page(name: str, explained: Explanation, at: Moment) -> File:
    """Return the page that explains a figure."""
    depth = name.count("/")
    chart = charts.of_product(explained, at.business_date) if isinstance(explained, ProductExplanation) else None
    return page_file(
        name,
        title_of(explained),
        at,
        equation=explained.equation,
        sentence=sentence(explained, at),
        chart=chart,
        explained=explained,
        proof=explained.proof if explained.proof.ways else None,
        tables=[_rows(explained, explained.equation)],
        root="../" * depth,
    )


def _rows(explained: Explanation, equation: Equation) -> Table:
    parts = explained.parts if len(explained.parts) > 1 else ()
    heading = ("Counts for", "Booked", "Event", "What happened, and why", f"Change, {equation.unit}", *parts)
    rows = (
        (
            row.counts_for or "–",
            row.booked or "–",
            row.position,
            f"{row.what}{': ' * bool(row.why)}{row.why}",
            f"{row.change:+,f}",
            *(amount_text(amount) for amount in (*row.after[: len(parts)], row.total)),
            row.actor,
        )
        for row in explained.rows
    )
    numbers = frozenset(range(4, 6 + len(parts)))
    return Table("Events", (*heading, equation.name, "By"), rows, numbers)


def page_file(name: str, title: str, at: Moment, **context: Any) -> File:
    """Return a page of evidence."""
    given = {"title": title, "moment": moment_text(at), "root": "", **context}
    return name, [render_to_string("books/evidence_page.html", given)]


def style_files() -> Iterable[File]:
    """Yield the style sheets of the pages."""
    for name, asset in STYLES.items():
        found = finders.find(asset)
        if found is not None:
            yield name, [Path(str(found)).read_bytes()]
