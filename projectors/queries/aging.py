"""Queries of what was owed as a business date began, by days past due. See Note [Late recorded fees]."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from projectors.aging import bucket_of
from projectors.models import AgingBucket, LateAging, LateOwing, LateRecordedFee
from projectors.queries.live import live
from projectors.queries.reports import BUCKETS


class AgingLine(NamedTuple):
    """What was owed in a bucket of a currency, in minor units."""

    business_date: date
    currency: str
    bucket: str
    minor_digits: int
    principal: int
    fees: int
    products: int
    position: int


class _Added(NamedTuple):
    currency: str
    minor_digits: int
    due_date: date
    fees: int
    products: int
    position: int


def as_known_then(business_date: date) -> list[AgingLine]:
    """Return what was known to be owed when a business date began, by currency and days past due."""
    rows = live(AgingBucket).filter(business_date=business_date)
    lines = [
        AgingLine(
            row.business_date,
            row.currency,
            row.bucket,
            row.minor_digits,
            row.principal,
            row.fees,
            row.products,
            row.position,
        )
        for row in rows
    ]
    return sorted(lines, key=_order)


def as_known_now(business_date: date, up_to: int | None = None) -> list[AgingLine]:
    """Return what was owed when a business date began, as known now or at a later position.

    It includes the fees of earlier dates that were recorded only afterwards. `aging` and `customers` have reached the
    position.
    """
    lines = {(line.currency, line.bucket): line for line in as_known_then(business_date)}
    for added in _late(business_date, up_to):
        bucket = bucket_of(added.due_date, business_date)
        key = (added.currency, bucket)
        line = lines.get(key) or AgingLine(business_date, added.currency, bucket, added.minor_digits, 0, 0, 0, 0)
        lines[key] = line._replace(
            fees=line.fees + added.fees,
            products=line.products + added.products,
            position=max(line.position, added.position),
        )
    return sorted((line for line in lines.values() if line.products), key=_order)


def _late(business_date: date, up_to: int | None) -> Iterable[_Added]:
    """Yield what late recorded fees add to a date."""
    sums = live(LateAging).filter(after_date__lt=business_date, until_date__gte=business_date)
    columns = ("currency", "minor_digits", "due_date", "fees", "products", "position")
    whole = sums if up_to is None else sums.filter(position__lte=up_to)
    yield from (_Added(*row) for row in whole.values_list(*columns))
    if up_to is not None:
        partly = sums.filter(first_position__lte=up_to, position__gt=up_to)
        yield from _some_of(partly.values_list("first_position", *_KEY), business_date, up_to)


_KEY = ("after_date", "until_date", "due_date", "currency", "minor_digits")


def _some_of(partly: Iterable[tuple[int, *tuple[object, ...]]], business_date: date, up_to: int) -> Iterable[_Added]:
    """Yield what is up to a position of sums that reach beyond it, one by one."""
    first = {key: position for position, *rest in partly for key in [tuple(rest)]}
    if not first:
        return
    within = {"position__range": (min(first.values()), up_to)}
    fees = live(LateRecordedFee).filter(**within, booking_date__gte=business_date, business_date__lt=business_date)
    for fee in fees:
        terms = (fee.due_date, fee.currency, fee.minor_digits)
        if (fee.business_date, fee.booking_date, *terms) in first:
            yield _Added(*terms[1:], fee.due_date, fee.amount, 0, fee.position)
    for owing in live(LateOwing).filter(**within, until_date__gte=business_date, after_date__lt=business_date):
        terms = (owing.due_date, owing.currency, owing.minor_digits)
        if (owing.after_date, owing.until_date, *terms) in first:
            yield _Added(*terms[1:], owing.due_date, 0, 1, owing.position)


def _order(line: AgingLine) -> tuple[str, int]:
    return line.currency, BUCKETS.index(line.bucket)
