"""Why a product was charged a late fee for a date, or why not: each condition with its figures and its event."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger import as_of, states
from ledger.fee_lag import assessed_through
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.product import Product
from ledger.rules.events import LateFeeIncurred, LateFeeNotAssessed, LateFeeReversed
from ledger.rules.facts import stream_id
from processmanagers.fees import AssetAt, Cycle, assess


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a fee: what it asks, whether it was met, its figures, and the event behind it."""

    asks: str
    is_met: bool
    figures: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer: one sentence, the conditions in their order, and the event that records it, if there is one."""

    product_uuid: UUID
    on: date
    reference: str
    sentence: str
    conditions: tuple[Condition, ...]
    recorded: RecordedEvent | None


def why(product_uuid: UUID, on: date) -> Why | None:
    """Return why a product was or was not charged for a date, None if there is no such product.

    Conditions end with the first that was not met. Raises DateNotCycled for a date that has not begun.
    """
    newest = states.product(product_uuid).state
    if not newest.exists:
        return None
    cycle = store.read_event(as_of.began(on))
    conditions = tuple(_until_unmet(_conditions(product_uuid, on, cycle)))
    recorded = _recorded(product_uuid, on)
    return Why(product_uuid, on, newest.reference, _sentence(on, conditions, recorded), conditions, recorded)


def _until_unmet(conditions: Iterator[Condition]) -> Iterator[Condition]:
    for condition in conditions:
        yield condition
        if not condition.is_met:
            return


def _conditions(product_uuid: UUID, on: date, cycle: RecordedEvent | None) -> Iterator[Condition]:
    began = cycle is not None and cycle.data.new_date == on
    yield Condition(
        f"{on} is a date that began", began, "" if began else "it was skipped", cycle.position if cycle else None
    )
    assert cycle is not None  # noqa: S101 - a date that began has its event, and the others end here
    at = states.product(product_uuid, cycle.position)
    product: Product = at.state
    first = next(store.read_stream(stream_id("product", product_uuid), limit=1))
    yield Condition(
        "it was financed before the date began", product.exists, f"at event {first.position}", first.position
    )
    assert product.due_date is not None  # noqa: S101 - a product that exists has one
    late = (on - product.due_date).days
    yield Condition("it was due before the date", late > 0, f"due {product.due_date}, {late} days", first.position)
    owed = product.principal_outstanding
    yield Condition("it owed principal as the date began", owed > 0, f"{owed:,f} {product.currency}", at.position)
    yield from _of_asset(product, cycle)


def _of_asset(product: Product, cycle: RecordedEvent) -> Iterator[Condition]:
    has_asset = product.asset_uuid is not None
    yield Condition(
        "it has an asset, whose value the fee is taken of", has_asset, str(product.asset_uuid or "none"), None
    )
    assert product.asset_uuid is not None  # noqa: S101 - the condition before ends this otherwise
    at = states.asset(product.asset_uuid, cycle.position)
    asset: Asset = at.state
    value = f"worth {asset.value:,f} {asset.currency}" if asset.exists else "unknown"
    yield Condition("the asset was in the ledger", asset.exists, value, at.position or None)
    outcome = assess(_terms(product), _asset_at(asset), Cycle(cycle.data.new_date, cycle.position, cycle.recorded_at))
    pays = not isinstance(outcome, LateFeeNotAssessed)
    role = f"role {product.late_fee_payer_role}"
    yield Condition("a company in the payer's role sends or receives the asset", pays, role, None)
    exact = asset.value * product.daily_late_fee_rate
    charged = isinstance(outcome, LateFeeIncurred)
    arithmetic = f"{asset.value:,f} × {product.daily_late_fee_rate:f} = {exact.normalize():,f}"
    yield Condition("value × rate does not round to zero", charged, arithmetic, at.position or None)


class _Terms:
    """What a fee needs of a product, taken from its state."""

    def __init__(self, product: Product, due_date: date) -> None:
        self.asset_uuid = product.asset_uuid
        self.due_date = due_date
        self.daily_late_fee_rate = product.daily_late_fee_rate
        self.late_fee_payer_role = product.late_fee_payer_role
        self.companies = tuple((each.company_uuid, each.role) for each in product.companies)


def _terms(product: Product) -> _Terms:
    assert product.due_date is not None  # noqa: S101 - a product that exists has one
    return _Terms(product, product.due_date)


def _asset_at(asset: Asset) -> AssetAt | None:
    if not asset.exists or asset.sender_company_uuid is None or asset.receiver_company_uuid is None:
        return None
    return AssetAt(asset.value, asset.currency or "", asset.sender_company_uuid, asset.receiver_company_uuid)


def _recorded(product_uuid: UUID, on: date) -> RecordedEvent | None:
    """Return the event by which late_fees charged the date, or said why it could not, or which took the fee back."""
    found: RecordedEvent | None = None
    for event in store.read_stream(stream_id("product", product_uuid)):
        if event.type in {"LateFeeIncurred", "LateFeeNotAssessed"} and event.data.business_date == on:
            found = event
        elif event.type == "LateFeeReversed" and found is not None and event.data.position == found.position:
            return event
    return found


def _sentence(on: date, conditions: tuple[Condition, ...], recorded: RecordedEvent | None) -> str:
    if recorded is not None and isinstance(recorded.data, LateFeeIncurred):
        return f"It was charged {recorded.data.amount:,f} {recorded.data.currency} for {on}: every condition was met."
    if recorded is not None and isinstance(recorded.data, LateFeeReversed):
        return f"It was charged for {on}, and the fee was taken back: {recorded.data.reason}."
    failed = next((condition for condition in conditions if not condition.is_met), None)
    if failed is not None:
        return f"It was not charged for {on}: it was not so that {failed.asks}."
    through = assessed_through()
    if through is None or through < on:
        return f"It is to be charged for {on}: late_fees has not assessed this date yet."
    return (
        f"It was not charged for {on}, although every condition is met: late_fees was registered after the date began."
    )
