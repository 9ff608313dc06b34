"""Queries of the trial balance. See Note [A trial balance is read and not added up]."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Max, QuerySet

from ledger import as_of
from projectors.models import AccountSum, JournalLine, LateAccountSum
from projectors.queries.live import live
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
        _add_partly(sums, late.filter(first_position__lte=up_to, position__gt=up_to), lines, up_to)


def _add_partly(sums: _Sums, partly: QuerySet[LateAccountSum], lines: QuerySet[JournalLine], up_to: int) -> None:
    """Add the lines up to a position of late sums that reach beyond it."""
    columns = ("business_date", "booking_date", "account", "currency", "minor_digits")
    first: dict[tuple[Any, ...], int] = {row[:-1]: row[-1] for row in partly.values_list(*columns, "first_position")}
    if first:
        within = lines.filter(position__range=(min(first.values()), up_to))
        _add(sums, (line for line in within if tuple(getattr(line, column) for column in columns) in first))


def _add(sums: _Sums, rows: Iterable[AccountSum | LateAccountSum | JournalLine]) -> None:
    for row in rows:
        _add_one(sums, (row.account, row.currency, row.minor_digits), row.debit, row.credit)


def _add_one(sums: _Sums, key: _Key, debit: int, credit: int) -> None:
    before = sums.get(key, (0, 0))
    sums[key] = (before[0] + debit, before[1] + credit)
