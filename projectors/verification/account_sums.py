"""Adds up the journal's lines in the order of the log and compares the sums, their copies and the late sums."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import QuerySet

from eventstore.records import RecordedEvent
from projectors.models import AccountSum, LateAccountSum
from projectors.queries.live import live
from projectors.tables.layout import Row
from projectors.trial_balance import SNAPSHOT_EVERY, is_late
from projectors.verification.differences import NOTHING, Difference, Money, Party

_Key = tuple[Any, ...]
_Sum = list[int]
"""Debits, credits, the first position and the last."""

_ACCOUNT = ("account", "currency", "minor_digits")
_DATES = ("business_date", "booking_date")


class AccountSums:
    """The sums that the lines come to, gathered event by event."""

    def __init__(self) -> None:
        self._sums: dict[_Key, _Sum] = {}
        self._late: dict[_Key, _Sum] = {}
        self._last = 0
        self._copied = 0
        self._copies = 0
        self._is_kept = live(AccountSum).exists()

    def before(self, event: RecordedEvent) -> None:
        """Compare the copy that stands before an event, if there is one."""
        boundary = (event.position - 1) // SNAPSHOT_EVERY * SNAPSHOT_EVERY
        through = event.position - 1 if event.type == "SystemCycled" else boundary
        if self._is_kept and self._sums and self._copied < self._last <= through:
            self._compare(live(AccountSum).filter(through=through), self._sums, _ACCOUNT, f"through {through}")
            self._copies += len(self._sums)
            self._copied = through

    def add(self, line: Row) -> None:
        """Add a line of the journal."""
        self._last = line["position"]
        _add(self._sums, tuple(line[column] for column in _ACCOUNT), line)
        if is_late(line):
            dates = [date.fromisoformat(line[column]) for column in _DATES]
            _add(self._late, (*dates, *(line[column] for column in _ACCOUNT)), line)

    def compare_all(self) -> None:
        """Compare the sums of all lines and those of late lines; raises Difference."""
        if not self._is_kept:
            return
        rows = live(AccountSum)
        self._compare(rows.filter(through=AccountSum.THROUGH_ALL), self._sums, _ACCOUNT, "now")
        copies = rows.filter(through__lt=AccountSum.THROUGH_ALL).count()
        if copies != self._copies:
            raise Difference("account sums", "copies", Party("all of", "them"), self._copies, copies)
        self._compare(live(LateAccountSum), self._late, (*_DATES, *_ACCOUNT), "late")

    def _compare(self, rows: QuerySet[Any], sums: Mapping[_Key, _Sum], columns: tuple[str, ...], when: str) -> None:
        found = {tuple(row[column] for column in columns): row for row in rows.values()}
        for key in sorted(sums.keys() | found.keys(), key=str):
            account, currency, digits = key[-len(_ACCOUNT) :]
            party = Party("all of", " ".join(map(str, (currency, when, *key[: -len(_ACCOUNT)]))))
            row, expected = found.get(key), sums.get(key)
            if expected is None or row is None:
                presence = [NOTHING if side is None else "a row" for side in (expected, row)]
                raise Difference("account sums", account, party, *presence)
            for column, figure in zip(("debit", "credit"), expected, strict=False):
                if row[column] != figure:
                    figures = [Money(side, currency, digits) for side in (figure, row[column])]
                    raise Difference("account sums", f"{column} of {account}", party, *figures)
            positions = [expected[2], expected[3]] if "first_position" in row else [expected[3]]
            if [row[name] for name in ("first_position", "position") if name in row] != positions:
                raise Difference("account sums", f"position of {account}", party, positions[-1], row["position"])


def _add(sums: dict[_Key, _Sum], key: _Key, line: Row) -> None:
    total = sums.setdefault(key, [0, 0, line["position"], 0])
    total[0] += line["debit"]
    total[1] += line["credit"]
    total[3] = line["position"]
