"""The rows of a sample, as a page and a file show them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger import states
from ledger.rules.aggregates.product import Product
from projectors.audit.sample import Member, Sample
from projectors.explain.event import line_of, words_of
from projectors.models import JournalLine
from projectors.queries.live import live

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class SampledEvent:
    """An event of a sample."""

    position: int
    recorded_at: datetime
    stream_id: str
    type: str
    what: str
    why: str
    actor: str


@dataclass(frozen=True, slots=True)
class SampledProduct:
    """A product of a sample, as of the sample's position."""

    position: int
    product_uuid: UUID
    reference: str
    obligor_company_uuid: UUID | None
    due_date: date | None
    status: str
    principal: Decimal
    principal_outstanding: Decimal
    fees_outstanding: Decimal
    owed: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SampledLine:
    """A line of the journal of a sample."""

    position: int
    line: int
    event_type: str
    business_date: date | None
    booking_date: date | None
    account: str
    party_type: str
    party_uuid: UUID
    debit: Decimal | None
    credit: Decimal | None
    currency: str
    reference: str


Sampled = SampledEvent | SampledProduct | SampledLine
ROW_OF: Final[dict[str, type[Sampled]]] = {"events": SampledEvent, "products": SampledProduct, "lines": SampledLine}
"""By kind: what its rows are."""


def sampled_rows(drawn: Sample, most: int | None = None) -> Iterator[Sampled]:
    """Yield the rows of a sample in the order in which they were drawn, at most `most` of them."""
    members = iter(drawn.members if most is None else drawn.members[:most])
    while some := list(islice(members, _BATCH)):
        match drawn.kind:
            case "events":
                yield from map(_event, _events(some))
            case "products":
                yield from (_product(event, drawn.position) for event in _events(some))
            case _:
                yield from _lines(some)


def _events(members: Sequence[Member]) -> list[RecordedEvent]:
    found = (store.read_event(position) for position, _ in members)
    return [event for event in found if event is not None]


def _event(event: RecordedEvent) -> SampledEvent:
    what, why = words_of(event)
    return SampledEvent(event.position, event.recorded_at, event.stream_id, event.type, what, why, event.actor)


def _product(event: RecordedEvent, position: int) -> SampledProduct:
    state: Product = states.product(event.uuid, position).state
    return SampledProduct(
        position=event.position,
        product_uuid=event.uuid,
        reference=state.reference,
        obligor_company_uuid=state.obligor_company_uuid,
        due_date=state.due_date,
        status=state.status,
        principal=state.principal,
        principal_outstanding=state.principal_outstanding,
        fees_outstanding=state.fees_outstanding,
        owed=state.principal_outstanding + state.fees_outstanding,
        currency=state.currency or "",
    )


def _lines(members: Sequence[Member]) -> Iterator[SampledLine]:
    rows = live(JournalLine).filter(position__in={position for position, _ in members})
    found = {(row.position, row.line): row for row in rows}
    for member in members:
        if member in found:
            yield _line(found[member])


def _line(row: JournalLine) -> SampledLine:
    line = line_of(row)
    return SampledLine(
        position=row.position,
        line=row.line,
        event_type=row.event_type,
        business_date=row.business_date,
        booking_date=row.booking_date,
        account=line.account,
        party_type=line.party_type,
        party_uuid=line.party_uuid,
        debit=line.debit,
        credit=line.credit,
        currency=line.currency,
        reference=line.reference,
    )
