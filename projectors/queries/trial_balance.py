"""Queries of the trial balance. See Note [A trial balance is read and not added up]."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Max, Min, QuerySet

from eventstore import store
from ledger import as_of
from projectors.models import AccountSum, JournalLine, LateAccountSum
from projectors.queries.live import live, position_of
from projectors.schema.sums import ExactSum

_Key = tuple[str, str, int]
_Sums = dict[_Key, tuple[int, int]]
"""Debits and credits by account, currency and digits after the point."""


class TrialBalanceLine(NamedTuple):
    """The sums of an account in a currency, in minor units."""

    account: str
    currency: str
    minor_digits: int
    debit: int
    credit: int


def trial_balance(up_to: int | None = None, *, business_date: date | None = None) -> list[TrialBalanceLine]:
    """Return the sums of the journal by account and currency.

    They are those of all lines, or of the lines up to a position. With a business date they leave out the lines that
    count for a later date: that is the date as known now, or as known at the position.
    """
    sums: _Sums = {}
    ended = None if business_date is None else as_of.booked_to(business_date)
    through = up_to if ended is None or up_to is None else min(ended, up_to)
    _add_through(sums, ended if through is None else through)
    if business_date is not None and ended is not None:
        _add_late(sums, business_date, up_to)
    return [TrialBalanceLine(*key, *sums[key]) for key in sorted(sums)]


def trial_balances_of(first: date, last: date, up_to: int) -> dict[date, list[TrialBalanceLine]]:
    """Return the trial balance of each date from one to another, as known at a position.

    They are those of `trial_balance`, found together by a few statements.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    through = dict(zip(days, _ends(days, up_to), strict=True))
    kept = live(AccountSum).filter(through__lt=AccountSum.THROUGH_ALL, through__lte=max(through.values()))
    lowest = kept.filter(through__lte=min(through.values())).aggregate(Max("through"))["through__max"] or 0
    copies: dict[int, list[AccountSum]] = {0: []}
    for row in kept.filter(through__gte=lowest).order_by("through"):
        copies.setdefault(row.through, []).append(row)
    if not live(AccountSum).exists():
        return {day: trial_balance(up_to, business_date=day) for day in days}
    late = _Late(first, last, up_to)
    after: dict[tuple[int, int], _Sums] = {}
    reached = position_of(JournalLine)
    found: dict[date, list[TrialBalanceLine]] = {}
    for day, end in through.items():
        copied = max(place for place in copies if place <= end)
        sums: _Sums = {}
        _add(sums, copies[copied])
        if end == up_to or end > reached:
            # No copy stands here; at the end of any other date there is one, or no line since.
            if (copied, end) not in after:
                _add_lines(after.setdefault((copied, end), {}), live(JournalLine).filter(position__gt=copied), end)
            for key, added in after[copied, end].items():
                _add_one(sums, key, *added)
        if end < up_to:
            _add(sums, late.of(day))
        found[day] = [TrialBalanceLine(*key, *sums[key]) for key in sorted(sums)]
    return found


def _ends(days: Sequence[date], up_to: int) -> Iterator[int]:
    """Yield for each date the last position that is booked on it or earlier, at most the given one."""
    ended = as_of.booked_to(days[0])
    if ended is None:
        yield from (up_to for _ in days)
        return
    cycles = store.read_all(types=[as_of.CYCLED], after=ended - 1, up_to=up_to, limit=len(days) + 1)
    places = [(event.data.new_date, event.position) for event in cycles]
    for day in days:
        yield next((position for began, position in places if began > day), up_to)


def places_of_late_lines(business_date: date, **of: str) -> tuple[int, int] | None:
    """Return the first and the last position of what was booked after a date and counts for it or for an earlier one.

    None if nothing was. Between them may be other lines. `of` names an account and a currency, by default all.
    """
    if not live(AccountSum).exists():
        return 1, AccountSum.THROUGH_ALL
    late = live(LateAccountSum).filter(business_date__lte=business_date, booking_date__gt=business_date, **of)
    places = late.aggregate(first=Min("first_position"), last=Max("position"))
    return None if places["first"] is None else (places["first"], places["last"])


class _Late:
    """What was booked after dates and counts for them, as known at a position."""

    def __init__(self, first: date, last: date, up_to: int) -> None:
        wanted: dict[str, Any] = {"business_date__lte": last, "booking_date__gt": first}
        late = live(LateAccountSum).filter(**wanted, first_position__lte=up_to)
        self._rows: list[LateAccountSum | JournalLine] = list(late.filter(position__lte=up_to))
        partly = late.filter(position__gt=up_to)
        self._rows += _partly(partly, live(JournalLine).filter(**wanted), up_to)

    def of(self, day: date) -> Iterator[LateAccountSum | JournalLine]:
        """Yield the sums and lines that are late for a date."""
        for row in self._rows:
            counts_for, booked = row.business_date, row.booking_date
            if counts_for is not None and booked is not None and counts_for <= day < booked:
                yield row


def _add_through(sums: _Sums, through: int | None) -> None:
    current = live(AccountSum).filter(through=AccountSum.THROUGH_ALL)
    if through is None and current:
        _add(sums, current)
        return
    copies = live(AccountSum).filter(through__lt=AccountSum.THROUGH_ALL)
    copied = 0
    if through is not None:
        copied = copies.filter(through__lte=through).aggregate(Max("through"))["through__max"] or 0
        _add(sums, copies.filter(through=copied))
    _add_lines(sums, live(JournalLine).filter(position__gt=copied), through)


def _add_lines(sums: _Sums, lines: QuerySet[JournalLine], up_to: int | None) -> None:
    """Add lines of the journal: few, unless the generation has no sums."""
    if up_to is not None:
        lines = lines.filter(position__lte=up_to)
    by_account = lines.values("account", "currency", "minor_digits").order_by()
    for row in by_account.annotate(debits=ExactSum("debit"), credits=ExactSum("credit")):
        _add_one(sums, (row["account"], row["currency"], row["minor_digits"]), row["debits"], row["credits"])


def _add_late(sums: _Sums, business_date: date, up_to: int | None) -> None:
    """Add what was booked after a date and counts for it or for an earlier one."""
    lines = live(JournalLine).filter(business_date__lte=business_date, booking_date__gt=business_date)
    if not live(AccountSum).exists():
        _add_lines(sums, lines, up_to)
        return
    late = live(LateAccountSum).filter(business_date__lte=business_date, booking_date__gt=business_date)
    _add(sums, late if up_to is None else late.filter(position__lte=up_to))
    if up_to is not None:
        _add(sums, _partly(late.filter(first_position__lte=up_to, position__gt=up_to), lines, up_to))


def _partly(partly: QuerySet[LateAccountSum], lines: QuerySet[JournalLine], up_to: int) -> Iterator[JournalLine]:
    """Yield the lines up to a position of late sums that reach beyond it."""
    columns = ("business_date", "booking_date", "account", "currency", "minor_digits")
    first: dict[tuple[Any, ...], int] = {row[:-1]: row[-1] for row in partly.values_list(*columns, "first_position")}
    if first:
        within = lines.filter(position__range=(min(first.values()), up_to))
        yield from (line for line in within if tuple(getattr(line, column) for column in columns) in first)


def _add(sums: _Sums, rows: Iterable[AccountSum | LateAccountSum | JournalLine]) -> None:
    for row in rows:
        _add_one(sums, (row.account, row.currency, row.minor_digits), row.debit, row.credit)


def _add_one(sums: _Sums, key: _Key, debit: int, credit: int) -> None:
    before = sums.get(key, (0, 0))
    sums[key] = (before[0] + debit, before[1] + credit)
