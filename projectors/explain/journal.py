"""Lines of the journal as people read them: chosen by account, party and dates, with running totals."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from ledger import as_of
from ledger.rules.money import from_minor
from projectors.explain.event import Line, line_of, with_party_names
from projectors.explain.figures import Cut
from projectors.explain.moment import named_at
from projectors.models import JournalLine
from projectors.queries.reports import journal
from projectors.queries.trial_balance import places_of_late_lines
from projectors.schema.sums import ExactSum

_BATCH: Final = 2000
MOST_BEFORE: Final = 5_000
"""Lines before a page that are added up; if there are more, the running totals begin with the page."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A line with its dates, and the running total of debits less credits in its currency, itself included."""

    line: Line
    position: int
    event_type: str
    business_date: date | None
    booking_date: date | None
    running: Decimal

    @property
    def place(self) -> str:
        """The line's place in the journal: position and line."""
        return f"{self.position}.{self.line.line}"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which lines of the journal are wanted; dates include both ends and are booking or business dates."""

    account: str | None = None
    party_uuid: UUID | None = None
    first: date | None = None
    last: date | None = None
    by: Literal["booking", "business"] = "booking"


def journal_rows(choice: Choice, cut: Cut) -> Iterator[JournalRow]:
    """Yield every line that is chosen, in order of position, in flat memory."""
    return _running(_chosen(choice, cut).iterator(_BATCH), {})


class JournalPage(NamedTuple):
    """Some lines, and whether their running totals begin with the first line that is chosen or with the page."""

    rows: list[JournalRow]
    is_from_first: bool


def journal_page(choice: Choice, cut: Cut, *, after: tuple[int, int] | None, limit: int) -> JournalPage:
    """Return at most `limit` lines after a position and line, with the names of their parties."""
    rows, ranges = _chosen(choice, cut), _ranges(choice, cut)
    totals: dict[str, Decimal] | None = {}
    if after is not None:
        totals = _totals(rows.filter(Q(position__lt=after[0]) | Q(position=after[0], line__lte=after[1])), ranges)
        rows = rows.filter(Q(position__gt=after[0]) | Q(position=after[0], line__gt=after[1]))
    found = list(_running(_first_of(rows, ranges, limit), totals or {}))
    named = with_party_names([row.line for row in found], named_at(cut))
    return JournalPage([replace(row, line=line) for row, line in zip(found, named, strict=True)], totals is not None)


_Range = tuple[int, int]
"""Positions: above the first, up to the second."""


def _ranges(choice: Choice, cut: Cut) -> list[_Range]:
    """Return where the lines are that can be chosen, so that a page does not walk the lines of all later dates.

    What counts up to a date is booked up to it, or late: that is often far behind, with other lines in between.
    """
    dates = (cut.until, choice.last if choice.by == "business" else None)
    until = min((each for each in dates if each is not None), default=None)
    ended = None if until is None else as_of.booked_to(until)
    if until is None or ended is None:
        return [(0, cut.position)]
    late = places_of_late_lines(until)
    return [(0, ended)] if late is None else [(0, ended), (max(ended, late[0] - 1), late[1])]


def _first_of(rows: QuerySet[JournalLine], ranges: Sequence[_Range], limit: int) -> list[JournalLine]:
    found: list[JournalLine] = []
    for above, through in ranges:
        if len(found) < limit:
            found += rows.filter(position__gt=above, position__lte=through)[: limit - len(found)]
    return found


def _totals(rows: QuerySet[JournalLine], ranges: Sequence[_Range]) -> dict[str, Decimal] | None:
    """Return debits less credits by currency, None if a range has more than MOST_BEFORE lines."""
    found: dict[str, Decimal] = {}
    for above, through in ranges:
        part = rows.filter(position__gt=above, position__lte=through)
        if part.order_by()[MOST_BEFORE : MOST_BEFORE + 1].exists():
            return None
        sums = part.order_by().values("currency", "minor_digits")
        for row in sums.annotate(debits=ExactSum("debit"), credits=ExactSum("credit")):
            net = from_minor(int(row["debits"]) - int(row["credits"]), row["minor_digits"])
            found[row["currency"]] = found.get(row["currency"], Decimal(0)) + net
    return found


def _chosen(choice: Choice, cut: Cut) -> QuerySet[JournalLine]:
    booked = choice.by == "booking"
    rows = journal(
        account=choice.account,
        party_uuid=choice.party_uuid,
        booked_from=choice.first if booked else None,
        booked_to=choice.last if booked else None,
    )
    if not booked and choice.first is not None:
        # No line counts for a later date than the one on which it is booked, so the search begins there.
        before = as_of.booked_to(choice.first - timedelta(days=1))
        rows = rows.filter(business_date__gte=choice.first)
        rows = rows.none() if before is None else rows.filter(position__gt=before)
    if not booked and choice.last is not None:
        rows = rows.filter(business_date__lte=choice.last)
    if cut.until is not None:
        rows = rows.filter(Q(business_date__isnull=True) | Q(business_date__lte=cut.until))
    return rows.filter(position__lte=cut.position).order_by("position", "line")


def _running(rows: Iterable[JournalLine], totals: dict[str, Decimal]) -> Iterator[JournalRow]:
    for row in rows:
        line = line_of(row)
        change = (line.debit or Decimal(0)) - (line.credit or Decimal(0))
        totals[line.currency] = totals.get(line.currency, Decimal(0)) + change
        yield JournalRow(line, row.position, row.event_type, row.business_date, row.booking_date, totals[line.currency])
