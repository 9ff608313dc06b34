"""The customers with the greatest sums at a moment. See Note [A ranking of the past visits few customers]."""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from projectors.customers.rankings import Customer, Leaders, Ranked, leaders
from projectors.models import CustomerRanking, LateRecordedFee
from projectors.queries.customer_sums import CustomerFigures, Moment, Which, customer_sums
from projectors.queries.live import live
from projectors.schema.sums import ExactSum


def greatest(at: Moment, by: str, *, start: int, limit: int) -> Iterator[CustomerFigures]:
    """Yield so many customers after the first ones, the greatest sum first.

    The sums of every customer are looked at only if too few places of the kept ranking are certain.
    """
    kept = live(CustomerRanking).filter(by=by, through__lte=at.through).order_by("-through").first()
    chosen = None if kept is None else _chosen(at, kept, start + limit)
    if chosen is None:
        yield from customer_sums(at, by=by, start=start, limit=limit)
        return
    places = [each.customer for each in chosen[start:]]
    figures = {_customer(row): row for row in _figures(at, places)}
    yield from (figures[customer] for customer in places)


def _chosen(at: Moment, kept: CustomerRanking, number: int) -> list[Ranked] | None:
    """Return the first customers with their sums; None if it is not certain who they are."""
    [found] = leaders([kept], at.through, using=settings.READ_DATABASE)
    late = {} if at.counted is None else _late(at, kept.by)
    leading = [Ranked(each.descending - late.get(each.customer, 0), each.customer) for each in found.certain]
    rising = _rising(found, late, sorted(leading)[:number])
    sums = {_customer(row): getattr(row, kept.by) for row in _figures(at, rising)}
    chosen = sorted([*leading, *(Ranked(-total, customer) for customer, total in sums.items() if customer in rising)])
    is_certain = len(chosen) >= number and chosen[number - 1] <= found.last
    return chosen[:number] if is_certain else None


def _rising(found: Leaders, late: Mapping[Customer, int], first: list[Ranked]) -> set[Customer]:
    """Return the customers whom late fees may bring among the first; without fees they stand behind the leaders."""
    leading = {each.customer for each in found.certain}
    least = first[-1].sum if first else 0
    return {customer for customer, fees in late.items() if found.last.sum + fees >= least} - leading


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
