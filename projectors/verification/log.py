"""Reads the log in order and compares it with the journal, line by line, and with daily activity, date by date."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from eventstore.records import RecordedEvent
from ledger.rules.events import (
    AssetFunded,
    BalancesGranted,
    CompanyFunded,
    FundingReversed,
    FundsCredited,
    FundsDebited,
    FundsPaidOut,
    LateFeeIncurred,
    LateFeeReversed,
    LateFeeWaived,
    PaymentApplied,
    PaymentReversed,
    PayoutReturned,
    PayoutReturnedToCompany,
    RecoveryRecorded,
    RecoveryReversed,
    SystemCycled,
    WaiverReversed,
)
from ledger.rules.money import digits_of, to_minor
from projectors.events.dates import DatedEvent
from projectors.events.payloads import payload_of
from projectors.journal import lines
from projectors.models import DailyActivity, JournalLine, LateActivity
from projectors.queries.live import live
from projectors.tables.layout import Row
from projectors.verification.account_sums import AccountSums
from projectors.verification.customer_lines import CustomerLines
from projectors.verification.differences import NOTHING, Difference, Money, Party
from projectors.verification.due import Cycle

_SUMS: Final = ("fees_assessed", "fees_waived", "granted", "paid_in", "paid_out")
Day = tuple[Any, ...]
"""A business date, a currency, and the booking date if the activity was recorded late."""


class Log:
    """Lines, days, cycles and money in transit, as the log has them up to the positions of the read models."""

    def __init__(self, positions: Mapping[str, int]) -> None:
        self._positions = positions
        self._cycled: date | None = None
        self.cycles: list[Cycle] = []
        self.days: dict[Day, dict[str, Any]] = {}
        self.late_days: dict[Day, dict[str, Any]] = {}
        self.in_transit: dict[UUID, Money] = {}
        self.lines = 0
        self.sums = AccountSums()
        self.customers = CustomerLines(positions["customers"], settings.READ_DATABASE)

    def read(self, events: list[RecordedEvent], journal: QuerySet[JournalLine]) -> None:
        """Compare the journal's lines with a batch of events; raises Difference."""
        last = min(events[-1].position, self._positions["journal"])
        in_journal = journal.filter(position__range=(events[0].position, last)).order_by("position", "line").values()
        found: Iterator[Mapping[str, Any]] = iter(in_journal)
        for event in events:
            data, of_event = event.data, self._lines_of(event)
            self.customers.note(event, of_event)
            if event.position <= self._positions["journal"]:
                self._transit(data)
                self._compare_lines(event, of_event, found)
            self._count(event, data)
            if isinstance(data, SystemCycled):
                self._cycled = data.new_date
                self.cycles.append(Cycle(event.position, data.new_date))
        _nothing_more(found)
        self.customers.compare_batch()

    def _lines_of(self, event: RecordedEvent) -> list[Row]:
        payload = payload_of(event)
        booking_date = self._cycled.isoformat() if self._cycled is not None else None
        business_date = payload.get("new_date") or payload.get("business_date") or booking_date
        return lines(DatedEvent(event, payload, booking_date, business_date))

    def _compare_lines(self, event: RecordedEvent, of_event: list[Row], found: Iterator[Mapping[str, Any]]) -> None:
        self.sums.before(event)
        for line in of_event:
            self.lines += 1
            self.sums.add(line)
            row = next(found, None)
            party = Party(line["party_type"], line["party_uuid"])
            table = f"journal line {line['position']}.{line['line']}"
            if row is None:
                raise Difference(table, line["account"], party, _figure(line), NOTHING)
            _compare_line(table, party, line, row)

    def _transit(self, data: object) -> None:
        match data:
            case FundsDebited(amount, currency, grant_uuid):
                moved = -to_minor(amount)
            case FundsCredited(amount, currency, grant_uuid):
                moved = to_minor(amount)
            case _:
                return
        # A grant whose money has all arrived is removed, so that the dict stays small.
        before = self.in_transit.pop(grant_uuid, Money(0, currency, digits_of(amount)))
        if before.minor + moved:
            self.in_transit[grant_uuid] = before._replace(minor=before.minor + moved)

    def _count(self, event: RecordedEvent, data: object) -> None:
        on = getattr(data, "new_date", None) or getattr(data, "business_date", None) or self._cycled
        currency = getattr(data, "currency", "")
        if event.position <= self._positions["daily_activity"]:
            _count(self.days, (on, currency), event.type, data)
        is_late = on is not None and self._cycled is not None and on < self._cycled
        if is_late and event.position <= self._positions["late_activity"]:
            _count(self.late_days, (on, currency, self._cycled), event.type, data)

    def compare_days(self) -> None:
        """Compare what happened on each date, and what of it was recorded late; raises Difference."""
        _compare_days("daily_activity", ("business_date", "currency"), self.days, live(DailyActivity))
        columns = ("business_date", "currency", "booking_date")
        _compare_days("late_activity", columns, self.late_days, live(LateActivity))


def _count(days: dict[Day, dict[str, Any]], key: Day, event_type: str, data: object) -> None:
    day = days.setdefault(key, {"events": {}, **dict.fromkeys(_SUMS, 0)})
    day["events"][event_type] = day["events"].get(event_type, 0) + 1
    move = _move(data)
    if move is not None:
        column, amount = move
        day[column] += to_minor(amount)


def _compare_days(
    table: str, columns: tuple[str, ...], days: Mapping[Day, Mapping[str, Any]], rows: QuerySet[Any]
) -> None:
    found = {tuple(row[column] for column in columns): row for row in rows.values()}
    for key in sorted(days.keys() | found.keys(), key=str):
        party = Party("business date", " ".join(map(str, key)).rstrip())
        expected, row = days.get(key), found.get(key)
        if expected is None or row is None:
            figures = [NOTHING if side is None else f"{side['events']}" for side in (expected, row)]
            raise Difference(table, "events", party, *figures)
        _compare_day(table, party, expected, row)


def _compare_day(table: str, party: Party, expected: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    for column in (*_SUMS, "events"):
        if expected[column] != row[column]:
            figures = [
                side[column] if column == "events" else Money(side[column], row["currency"], row["minor_digits"])
                for side in (expected, row)
            ]
            raise Difference(table, column, party, *figures)


_COLUMNS: Final = ("event_type", "business_date", "booking_date", "reference", "minor_digits")


def _compare_line(table: str, party: Party, line: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    place = [(side["position"], side["line"]) for side in (line, row)]
    if place[1] < place[0]:
        _nothing_more(iter([row]))
    if place[1] > place[0]:
        raise Difference(table, line["account"], party, _figure(line), NOTHING)
    found_party = (row["account"], row["party_type"], str(row["party_uuid"]))
    if (line["account"], line["party_type"], line["party_uuid"]) != found_party or _figure(line) != _figure(row):
        raise Difference(table, line["account"], party, _figure(line), f"{_figure(row)} on {' '.join(found_party)}")
    for column in _COLUMNS:
        figures = [side[column].isoformat() if isinstance(side[column], date) else side[column] for side in (line, row)]
        if figures[0] != figures[1]:
            raise Difference(table, f"{line['account']} {column}", party, *figures)


def _figure(line: Mapping[str, Any]) -> str:
    money = [Money(line[side], line["currency"], line["minor_digits"]) for side in ("debit", "credit")]
    if money[0].minor and money[1].minor:
        return f"debit {money[0]} and credit {money[1]}"
    return f"debit {money[0]}" if money[0].minor else f"credit {money[1]}"


def _nothing_more(found: Iterator[Mapping[str, Any]]) -> None:
    row = next(found, None)
    if row is not None:
        party = Party(row["party_type"], row["party_uuid"])
        raise Difference(f"journal line {row['position']}.{row['line']}", row["account"], party, NOTHING, _figure(row))


def _move(data: object) -> tuple[str, Decimal] | None:
    match data:
        case LateFeeIncurred(amount):
            return "fees_assessed", amount
        case LateFeeReversed(_, amount):
            return "fees_assessed", -amount
        case LateFeeWaived(amount):
            return "fees_waived", amount
        case WaiverReversed(_, amount):
            return "fees_waived", -amount
        case BalancesGranted(total):
            return "granted", total
        case CompanyFunded(amount) | AssetFunded(amount) | PaymentApplied(amount) | RecoveryRecorded(amount):
            return "paid_in", amount
        case FundingReversed(_, amount) | PaymentReversed(_, amount) | RecoveryReversed(_, amount):
            return "paid_in", -amount
        case FundsPaidOut(amount):
            return "paid_out", amount
        case PayoutReturned(_, amount) | PayoutReturnedToCompany(_, _, amount):
            return "paid_out", -amount
        case _:
            return None
