"""Keeps the sums of the journal by account: now, at past positions, and by the dates of late lines.

# Note [A trial balance is read and not added up]
The sums of every line are kept in rows that change. Copies of them, which do not change, stand at the last position
before each SystemCycled and at each multiple of 10,000. So the sums at any position are those of the copy at or below
it, plus at most some thousand lines. A line that counts for a date before the one on which it was booked is late: it
was missing as that date was known then. Late lines are added up by both dates. So the sums of a date as known now are
those at the position at which it ended, plus the late lines that count for it or for an earlier date.

A generation that was begun by a release without sums has none: its lines are added up by the query, until a rebuild.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db.models import Max

from projectors.events.dates import CYCLED, DatedEvent
from projectors.models import AccountSum, JournalLine, LateAccountSum
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

SNAPSHOT_EVERY: Final = 10_000
"""Positions between two copies of the sums within one business date."""

_SUMS = Table(
    AccountSum, key=("through", "account", "currency", "minor_digits"), changing=("debit", "credit", "position")
)
_LATE_SUMS = Table(
    LateAccountSum,
    key=("business_date", "booking_date", "account", "currency", "minor_digits"),
    changing=("debit", "credit", "position"),
)
_ALL: Final = AccountSum.THROUGH_ALL


def add_to_sums(made: Sequence[tuple[DatedEvent, Sequence[Row]]], generation: int, using: str) -> None:
    """Add the lines of a batch of events; before they are written as lines of the journal."""
    sums = _Sums(generation, using)
    if sums.are_missing:
        return
    for event, lines in made:
        sums.snapshot_before(event)
        for line in lines:
            sums.add(line)
    sums.save()
    _add_late([line for _, lines in made for line in lines if is_late(line)], generation, using)


def snapshot_position(position: int, *, is_cycle: bool) -> int:
    """Return the last position below an event at which the sums are copied."""
    return position - 1 if is_cycle else (position - 1) // SNAPSHOT_EVERY * SNAPSHOT_EVERY


def is_late(line: Row) -> bool:
    """Return whether a line counts for a date before the one on which it was booked."""
    # Before the first cycle nothing is booked on a date.
    return line["business_date"] is not None and line["business_date"] < (line["booking_date"] or "")


class _Sums:
    """The sums of every line, and the copies that a batch makes of them."""

    def __init__(self, generation: int, using: str) -> None:
        self._generation, self._using = generation, using
        of_generation = AccountSum.objects.using(using).filter(generation=generation)
        rows: Iterable[Any] = of_generation.filter(through=_ALL).values()
        self._rows: dict[Key, Row] = {(row["account"], row["currency"], row["minor_digits"]): dict(row) for row in rows}
        copied = of_generation.filter(through__lt=_ALL).aggregate(Max("through"))["through__max"] or 0
        self._last_change = max((row["position"] for row in self._rows.values()), default=0)
        self._is_copied = self._last_change <= copied
        self._changed: dict[Key, Row] = {}
        self._copies: list[Row] = []

    @property
    def are_missing(self) -> bool:
        """Return whether the generation has lines and no sums."""
        lines = JournalLine.objects.using(self._using).filter(generation=self._generation)
        return not self._rows and lines.exists()

    def snapshot_before(self, event: DatedEvent) -> None:
        """Copy the sums if a place for a copy lies between the last change and an event."""
        through = snapshot_position(event.event.position, is_cycle=event.event.type == CYCLED)
        if not self._is_copied and self._last_change <= through:
            self._copies += [{**row, "through": through} for row in self._rows.values()]
            self._is_copied = True

    def add(self, line: Row) -> None:
        """Add a line to the sums of its account."""
        key = (line["account"], line["currency"], line["minor_digits"])
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = {"through": _ALL, **_empty_sum(line)}
        _add(row, line)
        self._changed[key] = row
        self._last_change, self._is_copied = line["position"], False

    def save(self) -> None:
        """Write the sums that changed, and the copies."""
        new = [row for row in self._changed.values() if "id" not in row]
        _SUMS.insert([*self._copies, *new], self._generation, self._using)
        _SUMS.update([row for row in self._changed.values() if "id" in row], self._using)


def _add_late(late: Sequence[Row], generation: int, using: str) -> None:
    draft = Draft(_LATE_SUMS, {_late_key(line) for line in late}, generation, using)
    for line in late:
        key = _late_key(line)
        if key not in draft:
            dates = {name: line[name] for name in ("business_date", "booking_date")}
            draft.add(key, {**dates, "first_position": line["position"], **_empty_sum(line)})
        _add(draft.change(key, line["position"]), line)
    draft.save()


def _late_key(line: Row) -> Key:
    return tuple(line[column] for column in _LATE_SUMS.layout.key)


def _empty_sum(line: Row) -> dict[str, Any]:
    columns: Iterable[str] = ("account", "currency", "minor_digits")
    return {"debit": 0, "credit": 0, "position": 0, **{column: line[column] for column in columns}}


def _add(row: Row, line: Row) -> None:
    row["debit"] += line["debit"]
    row["credit"] += line["credit"]
    row["position"] = line["position"]
