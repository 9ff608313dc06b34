"""Lines of the journal as people read them: chosen by account, party and dates, with running totals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from django.db.models import Q, QuerySet

from ledger import as_of
from projectors.explain.event import Line, line_of
from projectors.explain.figures import Cut
from projectors.models import JournalLine
from projectors.queries.reports import journal

_BATCH: Final = 2000


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


def journal_page(choice: Choice, cut: Cut, *, after: tuple[int, int] | None, limit: int) -> list[JournalRow]:
    """Return at most `limit` lines after a position and line; running totals begin with the page."""
    rows = _chosen(choice, cut)
    if after is not None:
        rows = rows.filter(Q(position__gt=after[0]) | Q(position=after[0], line__gt=after[1]))
    return list(_running(rows[:limit], {}))


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
