"""Rows as CSV: streamed, named by what they show and as of which moment, and safe to open in a spreadsheet."""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.http import HttpRequest, StreamingHttpResponse

from projectors.explain.figures import Equation, Row
from web.api.fee_headers import COMPLETE, THROUGH
from web.books.frame import Frame, Refused

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_UNSAFE_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


class _Line:
    """What the writer writes to: it hands each line on."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def is_wanted(request: HttpRequest) -> bool:
    """Say whether an address asks for CSV; raises Refused for any other format."""
    asked = request.GET.get("format", "")
    if asked not in {"", "csv"}:
        raise Refused(f"format={asked} is not possible: it must be csv.")
    return asked == "csv"


def export_explanation(
    frame: Frame, what: str, equation: Equation, rows: Iterable[Row], parts: Sequence[str] = ()
) -> StreamingHttpResponse:
    """Return the rows of an explanation as CSV; `parts` name the parts of its figure, such as principal and fees."""
    return export(frame, what, explained_header(parts, equation.name), explained_cells(rows, equation.unit, len(parts)))


def explained_header(parts: Sequence[str], figure: str) -> list[str]:
    """Return the heading of the rows of an explanation."""
    after = [f"{part}_after" for part in (*parts, figure)]
    return ["counts_for", "booked", "what", "why", "change", *after, "currency", "actor", "position", "cause"]


def explained_cells(rows: Iterable[Row], unit: str, parts: int) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of each row of an explanation."""
    for row in rows:
        before = (row.counts_for, row.booked, row.what, row.why, row.change)
        yield (*before, *row.after[:parts], row.total, unit, row.actor, row.position, row.cause)


def export(
    frame: Frame, what: str, header: Sequence[str], rows: Iterable[Sequence[Any]], *, reads: Collection[str] = ()
) -> StreamingHttpResponse:
    """Return rows as a CSV file, line by line, whose name says what they are and as of when.

    `reads` are the projectors whose tables the rows come from; if some are behind, the name says how far they are.

    The last column says whether the late fees were complete, and so do the headers that the API has.
    """
    fees = frame.fees
    is_complete = str(fees.is_complete).lower()
    lagging = frame.lagging_of(reads)
    name = file_name(frame, f"{what}-only-through-{min(lagging.values())}" if lagging else what, "csv")
    response = StreamingHttpResponse(
        lines([*header, "fees_complete"], ((*row, is_complete) for row in rows)),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response[COMPLETE] = is_complete
    if fees.assessed_through is not None:
        response[THROUGH] = str(fees.assessed_through)
    return response


def file_name(frame: Frame, what: str, ending: str) -> str:
    """Return the name of a file: what it shows, as of when, and how that was known."""
    if frame.known == "then":
        moment = f"{frame.business_date}-known-then"
    else:
        moment = "-known-at-".join(str(value) for value in frame.permanent.values())
    return f"{_UNSAFE_IN_NAMES.sub('-', f'{what}-as-of-{moment}')}.{ending}"


def lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of a CSV file."""
    writer = csv.writer(_Line())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def cell(value: Any) -> str:
    """Return a value as the text of a cell; text that a spreadsheet would take for a formula gets an apostrophe."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case date() | datetime():
            return value.isoformat()
        case _:
            text = str(value)
            is_formula = text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text)
            return f"'{text}" if is_formula else text
