"""The payoff of a product: what it owes, with the late fees of dates that have begun and are not yet assessed."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.records import RecordedEvent
from ledger.as_of import SYSTEM_STREAM
from ledger.fee_lag import LATE_FEES, assessed_through
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.product import Product
from ledger.rules.decide import STATES
from ledger.rules.events import LateFeeIncurred, LateFeeNotAssessed
from ledger.rules.facts import stream_id
from processmanagers.fees import AssetAt, Cycle, assess


class Payoff(NamedTuple):
    """An amount that pays a product off, and the last date whose late fees are complete."""

    amount: Decimal
    fees_assessed_through: date | None


def payoff(product_uuid: UUID, state: Product, position: int, using: str = "default") -> Payoff:
    """Return the payoff of a product as of a position; `state` is its state there."""
    through = assessed_through(position, using)
    owed = state.principal_outstanding + state.fees_outstanding
    pending = [cycle for cycle in _pending(through, position, using) if state.due_date and state.due_date < cycle.date]
    if pending:
        owed += sum(_fees(product_uuid, state, pending, position, using), Decimal(0))
    return Payoff(owed, through)


def _pending(through: date | None, position: int, using: str) -> Iterator[Cycle]:
    """Yield the cycles that late_fees answers and has not finished as of a position."""
    first_answered = _first_answered(using)
    if first_answered is None:
        return
    # Newest first, so that only the cycles of dates that are not assessed are read.
    for event in store.read_stream(SYSTEM_STREAM, up_to=position, backwards=True, batch_size=20, using=using):
        if event.position < first_answered or (through is not None and event.data.new_date <= through):
            return
        yield Cycle(event.data.new_date, event.position, event.recorded_at)


def _first_answered(using: str) -> int | None:
    """Return the first position at which late_fees answers a cycle; None if it was never registered."""
    first = next(store.read_all(types=["LateFeesAssessed"], limit=1, using=using), None)
    if first is not None and first.causation is not None:
        return first.causation
    registered = checkpoints.position_of(LATE_FEES)
    return None if registered is None else registered + 1


def _fees(product_uuid: UUID, terms: Product, pending: Sequence[Cycle], position: int, using: str) -> Iterator[Decimal]:
    """Yield the fees of the pending cycles, as late_fees will assess them; it may have assessed some already."""
    events = list(store.read_stream(stream_id("product", product_uuid), up_to=position, using=using))
    assessed = {
        event.data.business_date for event in events if isinstance(event.data, LateFeeIncurred | LateFeeNotAssessed)
    }
    positions = [cycle.position for cycle in pending]
    products: dict[int, Product] = _states_at("product", events, positions)
    assets: dict[int, Asset] = _states_at("asset", _of_asset(terms.asset_uuid, position, using), positions)
    for cycle in pending:
        if cycle.date in assessed or not products[cycle.position].principal_outstanding:
            continue
        fee = assess(_Terms.of(terms), _asset_at(assets[cycle.position]), cycle)
        if isinstance(fee, LateFeeIncurred):
            yield fee.amount


def _of_asset(asset_uuid: UUID | None, position: int, using: str) -> list[RecordedEvent]:
    if asset_uuid is None:
        return []
    return list(store.read_stream(stream_id("asset", asset_uuid), up_to=position, using=using))


def _states_at(category: str, events: Sequence[RecordedEvent], positions: Sequence[int]) -> dict[int, Any]:
    """Return the states before some positions, folded in one pass."""
    state, evolve = STATES[category]
    states: dict[int, Any] = {}
    remaining = iter(events)
    event = next(remaining, None)
    for position in sorted(positions):
        while event is not None and event.position < position:
            state, event = evolve(state, event.data), next(remaining, None)
        states[position] = state
    return states


class _Terms(NamedTuple):
    """The terms of a product, as a fee needs them."""

    asset_uuid: UUID | None
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[tuple[UUID, str], ...]

    @classmethod
    def of(cls, product: Product) -> "_Terms":
        companies = tuple((company.company_uuid, company.role) for company in product.companies)
        due_date = product.due_date or date.max
        rate, role = product.daily_late_fee_rate, product.late_fee_payer_role
        return cls(product.asset_uuid, due_date, rate, role, companies)


def _asset_at(asset: Asset) -> AssetAt | None:
    sender, receiver, currency = asset.sender_company_uuid, asset.receiver_company_uuid, asset.currency
    if sender is None or receiver is None or currency is None:
        return None
    return AssetAt(asset.value, currency, sender, receiver)
