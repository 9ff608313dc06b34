"""An explanation as plain text: what it is of, its equation, a sentence, its rows and its proof."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from projectors.explain.answers.subject import Explanation, sentence
from projectors.explain.event import name_of
from projectors.explain.figures import Equation, Proof, Row
from projectors.explain.moment import Moment
from projectors.explain.words import amount_text

_NOUN: Final = {"product": "Invoice"}
_GAP: Final = "  "


def text_of(explained: Explanation, at: Moment) -> Iterator[str]:
    """Yield the lines of an explanation."""
    yield title_of(explained)
    yield moment_text(at)
    yield ""
    if explained.equation.terms:
        yield f"  {equation_text(explained.equation)}"
        yield ""
    yield sentence(explained, at)
    if explained.rows:
        yield ""
        yield from _table(explained)
    if explained.proof.ways:
        yield ""
        yield from proof_text(explained.proof)


def title_of(explained: Explanation) -> str:
    """Return what is explained: its name, its stream, its status and when it is due."""
    noun = _NOUN.get(explained.category, explained.category.capitalize())
    status = getattr(explained.state, "status", None)
    facts = [explained.stream_id, *([str(status).replace("_", " ")] if status else [])]
    due = getattr(explained.state, "due_date", None)
    return f"{noun} {name_of(explained.state)} ({', '.join([*facts, *([f'due {due}'] if due else [])])})"


def moment_text(at: Moment) -> str:
    """Return a moment in words."""
    known = {"now": "as it is known now", "then": "as it was known then"}.get(at.known, f"as known at {at.known}")
    form = f", {known}" if at.cut.until is not None or at.known == "then" else ""
    return f"As of {_day(at.business_date)}, position {at.cut.position}{form}"


def equation_text(equation: Equation) -> str:
    """Return an equation on one line."""
    text = ""
    for index, term in enumerate(equation.terms):
        sign = "" if index == 0 and term.adds else "+ " if term.adds else "− "
        many = f" ({len(term.positions)})" if term.name == "late fees" and term.positions else ""
        text += f"{' ' * bool(text)}{sign}{amount_text(term.amount)} {term.name}{many}"
    return f"{text} = {amount_text(equation.total)} {equation.unit} {equation.name}"


def proof_text(proof: Proof) -> Iterator[str]:
    """Yield a proof: its verdict, and a line for each way."""
    if not proof.agrees:
        verdict = "✗ The ways to this figure DIFFER"
    elif proof.is_complete:
        verdict = f"✓ {len(proof.ways)} independent ways agree"
    else:
        verdict = "✓ The ways that can be compared agree"
    yield f"{verdict}, all at position {proof.position}:"
    for way in proof.ways:
        yield f"  {way.name}: {way.note if way.amount is None else amount_text(way.amount)}"


def _table(explained: Explanation) -> Iterator[str]:
    parts = explained.parts if len(explained.parts) > 1 else ()
    heading = ("counts for", "booked", "event", "change", *parts, explained.equation.name)
    cells = [(*_cells(row, len(parts)), _what(row)) for row in explained.rows]
    return aligned((*heading, f"what happened, and why, in {explained.equation.unit}"), cells)


def _cells(row: Row, parts: int) -> tuple[str, ...]:
    after = [amount_text(amount) for amount in (*row.after[:parts], row.total)]
    return (_day(row.counts_for), _day(row.booked), str(row.position), f"{row.change:+,f}", *after)


def _what(row: Row) -> str:
    by = row.actor if row.cause is None else f"{row.actor}, because of {row.cause}"
    return f"{row.what}{': ' * bool(row.why)}{row.why} [{by}]"


def aligned(heading: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table whose columns are as wide as their widest cell; all but the last are aligned to the right."""
    widths = [max(len(line[column]) for line in (heading, *cells)) for column in range(len(heading) - 1)]
    for line in (heading, *cells):
        yield _GAP.join([*(cell.rjust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()


def _day(value: date | None) -> str:
    return "–" if value is None else value.isoformat()
