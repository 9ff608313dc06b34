"""The products that were overdue at the position of a cycle: found by the read model, judged by the events."""

from collections.abc import Iterable
from datetime import date
from functools import reduce
from typing import Any, Final, NamedTuple
from uuid import UUID

from eventstore.store import read_stream
from ledger.rules.aggregates import product
from ledger.rules.facts import stream_id
from projectors.queries import overdue
from projectors.queries.overdue import Candidate

FIRST: Final = overdue.FIRST


class Page(NamedTuple):
    """Some of the overdue products, and the product_uuid with which the next page begins, None after the last."""

    products: list[Candidate]
    next: UUID | None


def overdue_page(position: int, on: date, first: UUID, limit: int) -> Page:
    """Return the products from uuid `first` that were overdue on a date at a position, from at most `limit` rows.

    The read model must have reached that position and may be ahead of it.
    """
    found = overdue.candidates(position, on, first, limit)
    products = [candidate for candidate in found if _owed_at(candidate, position)]
    if len(found) < limit:
        return Page(products, None)
    last = UUID(found[-1].product_uuid)
    return Page(products, None if last == overdue.LAST else UUID(int=last.int + 1))


def _owed_at(candidate: Candidate, position: int) -> bool:
    """Return whether a product owed principal at a position.

    If a reversal made the product owe again after the position, only the product's own events show this.
    """
    if candidate.owing_again_position is None or candidate.owing_again_position < position:
        return True
    events = read_stream(stream_id("product", candidate.product_uuid), up_to=position)
    data: Iterable[Any] = (event.data for event in events)
    return reduce(product.evolve, data, product.INITIAL).principal_outstanding > 0
