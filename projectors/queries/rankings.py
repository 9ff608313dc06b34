"""The customers with the greatest sums at a moment. See Note [A ranking of the past visits few customers]."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from projectors.customers import rankings
from projectors.customers.rankings import NOBODY, Customer, Leaders, Ranked, leaders, ranked_in
from projectors.models import CustomerLine, CustomerRanking, CustomerSum, LateRecordedFee
from projectors.queries.customer_sums import CustomerFigures, Moment, Which, customer_sums
from projectors.queries.live import live
from projectors.schema.sums import ExactSum

FEW: Final = 2_000
"""So many customers are all looked at, which is as quick."""
_MOST_LINES: Final = 20_000
"""Lines that are looked at before the first ranking."""


class Greatest(NamedTuple):
    """Customers in order; `is_certain` is False if there are more whose order is not kept."""

    rows: list[CustomerFigures]
    is_certain: bool


def greatest(at: Moment, by: str, *, start: int, limit: int) -> Greatest:
    """Return so many customers after the first ones, the greatest sum first: only those whose place is certain.

    It looks at the customers of a ranking and of the lines since, and if less than half of the ranking's places are
    certain by these, at those of the next ranking and of the lines up to it: at most some thousands.
    """
    kept = None if _are_few() else _kept_before(at.through, by)
    if kept is None:
        return Greatest(list(customer_sums(at, by=by, start=start, limit=limit)), is_certain=True)
    [found] = leaders([kept], at.through, using=settings.READ_DATABASE)
    late = {} if at.counted is None else _late(at, by)
    chosen = _chosen(at, by, found, late, start + limit)
    if len(chosen) < min(start + limit, rankings.MOST // 2) and found.last != NOBODY:
        found = _with_those_after(at, by, kept)
        chosen = _chosen(at, by, found, late, start + limit)
    places = [each.customer for each in chosen[start:]]
    figures = {_customer(row): row for row in _figures(at, places)}
    is_certain = len(chosen) == start + limit or found.last == NOBODY
    return Greatest([figures[customer] for customer in places], is_certain)


def _are_few() -> bool:
    return not live(CustomerSum).order_by("company_uuid")[FEW : FEW + 1].exists()


def _kept_before(through: int, by: str) -> CustomerRanking | None:
    """Return the ranking at or below a position, an empty one before the first.

    Return None if none was kept while many lines were: an older release kept none of few customers.
    """
    kept = _kept(by).filter(through__lte=through).order_by("-through").first()
    if kept is not None:
        return kept
    lines = live(CustomerLine).filter(position__lte=through).order_by("position")
    is_late = lines.values_list("position")[_MOST_LINES : _MOST_LINES + 1].exists()
    return None if is_late else CustomerRanking(by=by, through=0, customers=[], is_all=True)


def _kept(by: str) -> QuerySet[CustomerRanking]:
    return live(CustomerRanking).filter(by=by)


def _chosen(at: Moment, by: str, found: Leaders, late: Mapping[Customer, int], number: int) -> list[Ranked]:
    """Return at most so many customers with their sums: the first ones, as far as it is certain who they are."""
    leading = [Ranked(each.descending - late.get(each.customer, 0), each.customer) for each in found.certain]
    rising = _rising(found, late, sorted(leading)[:number], number)
    sums = {_customer(row): getattr(row, by) for row in _figures(at, rising)}
    chosen = sorted([*leading, *(Ranked(-total, customer) for customer, total in sums.items() if customer in rising)])
    return [each for each in chosen[:number] if each <= found.last]


def _rising(found: Leaders, late: Mapping[Customer, int], first: list[Ranked], number: int) -> set[Customer]:
    """Return the customers whom late fees may bring among the first; without fees they stand behind the leaders."""
    leading = {each.customer for each in found.certain}
    least = first[-1].sum if len(first) == number else 0
    most = 0 if found.last == NOBODY else found.last.sum
    return {customer for customer, fees in late.items() if most + fees >= least} - leading


def _with_those_after(at: Moment, by: str, kept: CustomerRanking) -> Leaders:
    """Return the leaders among the customers of two rankings and of the lines between them."""
    following = _kept(by).filter(through__gt=at.through).order_by("through").first()
    before, after = ranked_in(kept), _present(by) if following is None else ranked_in(following)
    lines = live(CustomerLine).filter(position__gt=kept.through)
    if following is not None:
        lines = lines.filter(position__lte=following.through)
    companies = set(lines.order_by().values_list("company_uuid", flat=True).distinct())
    companies |= {UUID(each.customer[0]) for each in (*before.certain, *after.certain)}
    # Late fees are added afterwards, as to all leaders.
    rows = customer_sums(Moment(at.through), Which(companies=frozenset(companies)))
    return Leaders(sorted(Ranked(-getattr(row, by), _customer(row)) for row in rows), max(before.last, after.last))


def _present(by: str) -> Leaders:
    """Return the first customers as they are now."""
    rows = live(CustomerSum).order_by(f"-{by}", "company_uuid", "currency", "minor_digits")
    columns = ("company_uuid", "currency", "minor_digits", by)
    found = [
        Ranked(-n, (uuid.hex, unit, digits)) for uuid, unit, digits, n in rows.values_list(*columns)[: rankings.MOST]
    ]
    return Leaders(found, NOBODY if len(found) < rankings.MOST else found[-1])


def _late(at: Moment, by: str) -> dict[Customer, int]:
    """Return what late fees add to a sum at a moment, by customer."""
    counts = Q(business_date__lte=at.counted, booking_date__gt=at.counted, position__lte=at.up_to)
    if by == "overdue":
        counts &= Q(due_date__lt=at.counted)
    fees = live(LateRecordedFee).filter(counts).values("company_uuid", "currency", "minor_digits").order_by()
    rows = fees.annotate(total=ExactSum("amount")).values_list("company_uuid", "currency", "minor_digits", "total")
    return {(uuid.hex, currency, digits): total for uuid, currency, digits, total in rows}


def _figures(at: Moment, customers: Collection[Customer]) -> Iterator[CustomerFigures]:
    """Yield the sums of customers, and perhaps those of the same companies in other currencies."""
    companies = frozenset(UUID(uuid) for uuid, _, _ in customers)
    return customer_sums(at, Which(companies=companies)) if companies else iter(())


def _customer(row: CustomerFigures) -> Customer:
    return row.company_uuid.hex, row.currency, row.minor_digits
