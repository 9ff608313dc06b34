"""The conditions of a late fee for one product and date, as the ledger stood when the date began."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger import states
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.product import Product
from ledger.rules.events import LateFeeIncurred, LateFeeNotAssessed
from ledger.rules.facts import stream_id
from processmanagers.fees import AssetAt, Cycle, assess

_PRINCIPAL: Final = frozenset(
    {"ProductOriginated", "PaymentApplied", "PaymentReversed", "ProductWrittenOff", "WriteOffReversed"}
)
"""The types of events that can change the principal outstanding."""
_SINCE: Final = {
    "PaymentApplied": "a payment",
    "PaymentReversed": "a payment was reversed",
    "ProductWrittenOff": "it was written off",
    "WriteOffReversed": "a write-off was reversed",
    "ProductOriginated": "it was financed",
}
_VALUE: Final = frozenset({"AssetRegistered", "AssetRevalued"})


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a fee.

    `asks` is what it asks, `otherwise` what is so if it is not met, `figures` are its figures, `position` is the event
    behind it.
    """

    asks: str
    is_met: bool
    otherwise: str
    figures: str
    position: int | None


class Assessed(NamedTuple):
    """The conditions in their order, and the amount that the rule gives; None if a condition is not met."""

    conditions: tuple[Condition, ...]
    amount: Decimal | None


def assessed(product_uuid: UUID, on: date, cycle: RecordedEvent) -> Assessed:
    """Return the conditions of a fee for a date; `cycle` is what began it, or the next date if it was skipped.

    A condition that cannot be looked at, because one before it is not met, is left out.
    """
    product: Product = states.product(product_uuid, cycle.position).state
    first = next(store.read_stream(stream_id("product", product_uuid), limit=1))
    conditions = [_of_date(on, cycle), _of_existence(product, first, cycle)]
    if product.due_date is None or not all(condition.is_met for condition in conditions):
        return Assessed(tuple(conditions), None)
    conditions += _of_product(product_uuid, product, product.due_date, on, first, cycle.position)
    asset_conditions, amount = _of_asset(product, product.due_date, first, cycle)
    conditions += asset_conditions
    return Assessed(tuple(conditions), amount if all(condition.is_met for condition in conditions) else None)


def _of_date(on: date, cycle: RecordedEvent) -> Condition:
    new_date = cycle.data.new_date
    skipped = f"{on} never began: {new_date} was the next date to begin"
    return Condition("the date began", new_date == on, skipped, f"{new_date} began", cycle.position)


def _of_existence(product: Product, first: RecordedEvent, cycle: RecordedEvent) -> Condition:
    return Condition(
        "it was financed before the date began",
        product.exists,
        "it was financed only after the date had begun",
        f"financed at event {first.position}, the date began at event {cycle.position}",
        first.position,
    )


def _of_product(  # noqa: PLR0913, PLR0917 - each is a figure of the conditions
    product_uuid: UUID, product: Product, due: date, on: date, first: RecordedEvent, position: int
) -> Iterator[Condition]:
    late = (on - due).days
    yield Condition(
        "it was due before the date",
        late > 0,
        f"it was due on {due}, and fees begin the day after, without grace",
        f"due {due}, {late} day{'' if late == 1 else 's'} before" if late > 0 else f"due {due}",
        first.position,
    )
    backwards = store.read_stream(stream_id("product", product_uuid), up_to=position, backwards=True)
    last = next((event for event in backwards if event.type in _PRINCIPAL), first)
    owed = f"{product.principal_outstanding:,f} {product.currency}"
    since = f"{_SINCE[last.type]} at event {last.position}"
    yield Condition(
        "it owed principal as the date began",
        product.principal_outstanding > 0,
        f"it owed no principal as the date began, since {since}",
        f"{owed} since {since}",
        last.position,
    )


def _of_asset(
    product: Product, due: date, first: RecordedEvent, cycle: RecordedEvent
) -> tuple[list[Condition], Decimal | None]:
    """Return the conditions of the asset, the payer and the amount, and the amount if there is one."""
    asks, lacks = (
        "it has an asset, whose value the fee is taken of",
        "it has no asset whose value a fee could be taken of",
    )
    uuid = product.asset_uuid
    if uuid is None:
        return [Condition(asks, is_met=False, otherwise=lacks, figures="none", position=first.position)], None
    asset: Asset = states.asset(uuid, cycle.position).state
    found = [
        Condition(asks, is_met=True, otherwise=lacks, figures=asset.reference or str(uuid), position=first.position)
    ]
    backwards = store.read_stream(stream_id("asset", uuid), up_to=cycle.position, backwards=True)
    valued = next((event.position for event in backwards if event.type in _VALUE), None)
    value = f"worth {asset.value:,f} {asset.currency}" if asset.exists else "unknown"
    missing = "its asset was not in the ledger when the date began"
    found.append(Condition("the asset was in the ledger", asset.exists, missing, value, valued))
    known = _asset_at(asset)
    if known is None:
        return found, None
    outcome = assess(_Terms(product, due), known, Cycle(cycle.data.new_date, cycle.position, cycle.recorded_at))
    found.append(_of_payer(product, known, outcome, first, cycle.position))
    exact = asset.value * product.daily_late_fee_rate
    arithmetic = f"{asset.value:,f} × {product.daily_late_fee_rate:f} = {exact.normalize():,f}"
    if not isinstance(outcome, LateFeeNotAssessed):
        zero = f"the fee rounds to zero: {arithmetic}"
        found.append(Condition("value × rate does not round to zero", outcome is not None, zero, arithmetic, valued))
    return found, outcome.amount if isinstance(outcome, LateFeeIncurred) else None


def _of_payer(
    product: Product,
    asset: AssetAt,
    outcome: LateFeeIncurred | LateFeeNotAssessed | None,
    first: RecordedEvent,
    position: int,
) -> Condition:
    role = product.late_fee_payer_role
    parties = (asset.sender_company_uuid, asset.receiver_company_uuid)
    playing = [one.company_uuid for one in product.companies if one.role == role]
    payer = next((uuid for uuid in playing if uuid in parties), None)
    named = "" if payer is None else f"{_name(payer, position)} is {role}, and sends or receives the asset"
    nobody = f"role {role} is played by {', '.join(_name(uuid, position) for uuid in playing) or 'nobody'}"
    return Condition(
        "a company in the payer's role sends or receives the asset",
        not isinstance(outcome, LateFeeNotAssessed),
        f"no company in the payer's role, {role}, sends or receives the asset",
        nobody if payer is None else named,
        first.position,
    )


def _name(company_uuid: UUID, position: int) -> str:
    return states.company(company_uuid, position).state.name or f"company {company_uuid}"


class _Terms:
    """What a fee needs of a product, taken from its state."""

    def __init__(self, product: Product, due_date: date) -> None:
        self.asset_uuid = product.asset_uuid
        self.due_date = due_date
        self.daily_late_fee_rate = product.daily_late_fee_rate
        self.late_fee_payer_role = product.late_fee_payer_role
        self.companies = tuple((each.company_uuid, each.role) for each in product.companies)


def _asset_at(asset: Asset) -> AssetAt | None:
    if not asset.exists or asset.sender_company_uuid is None or asset.receiver_company_uuid is None:
        return None
    return AssetAt(asset.value, asset.currency or "", asset.sender_company_uuid, asset.receiver_company_uuid)
