"""Why a product was charged a late fee for a date, or why not: the conditions, the record, and what came later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger import as_of, states
from ledger.fee_lag import assessed_through
from ledger.rules.events import LateFeeIncurred, LateFeeNotAssessed
from ledger.rules.facts import stream_id
from ledger.rules.refusals.dates import DateNotCycled
from processmanagers.fee_conditions import Assessed, Condition, assessed

_LATER: Final = {
    "LateFeeWaived": "amount",
    "WaiverReversed": "amount",
    "PaymentApplied": "to_fees",
    "PaymentReversed": "to_fees",
    "ProductWrittenOff": "fees",
    "WriteOffReversed": "fees",
}
"""The types of events that change the fees outstanding, and the field of the fees that each moves."""


@dataclass(frozen=True, slots=True)
class Why:
    """The answer: one sentence, the conditions in their order, the event that records it, and what came later.

    `later` are the events that have changed what is owed of the product's fees since the fee was recorded.
    """

    product_uuid: UUID
    on: date
    reference: str
    sentence: str
    conditions: tuple[Condition, ...]
    recorded: RecordedEvent | None
    later: tuple[RecordedEvent, ...]


def why(product_uuid: UUID, on: date, position: int | None = None) -> Why | None:
    """Return why a product was or was not charged for a date, None if there is no such product.

    It is known as of a position, or now. Raises DateNotCycled for a date that had not begun.
    """
    product = states.product(product_uuid, position).state
    if not product.exists:
        return None
    cycle = store.read_event(as_of.began(on))
    if cycle is None or (position is not None and cycle.position > position):
        last = as_of.last_cycled(position)
        raise DateNotCycled(business_date=on, last_date=None if last is None else last.data.new_date)
    of_rule = assessed(product_uuid, on, cycle)
    recorded, later = _recorded(product_uuid, on, position)
    sentence = _sentence(on, of_rule, recorded, later, position)
    return Why(product_uuid, on, product.reference, sentence, of_rule.conditions, recorded, later)


def _recorded(
    product_uuid: UUID, on: date, position: int | None
) -> tuple[RecordedEvent | None, tuple[RecordedEvent, ...]]:
    """Return the event by which late_fees charged the date or said why it could not, and what came after a fee."""
    found: RecordedEvent | None = None
    later: list[RecordedEvent] = []
    for event in store.read_stream(stream_id("product", product_uuid), up_to=position):
        if event.type in {"LateFeeIncurred", "LateFeeNotAssessed"} and event.data.business_date == on:
            found = event
        elif found is not None and _concerns(event, found):
            later.append(event)
    is_fee = found is not None and found.type == "LateFeeIncurred"
    return found, tuple(later) if is_fee else ()


def _concerns(event: RecordedEvent, fee: RecordedEvent) -> bool:
    if event.type == "LateFeeReversed":
        return bool(event.data.position == fee.position)
    return event.type in _LATER and bool(getattr(event.data, _LATER[event.type]))


def _sentence(
    on: date,
    of_rule: Assessed,
    recorded: RecordedEvent | None,
    later: Sequence[RecordedEvent],
    position: int | None,
) -> str:
    unmet = next((condition for condition in of_rule.conditions if not condition.is_met), None)
    if recorded is not None and isinstance(recorded.data, LateFeeIncurred):
        return _charged(on, recorded.data, of_rule.amount, unmet, later)
    if unmet is not None:
        is_said = recorded is not None and isinstance(recorded.data, LateFeeNotAssessed)
        said = " late_fees recorded that it could not be assessed." if is_said else ""
        return f"It was not charged for {on}: {unmet.otherwise}.{said}"
    through = assessed_through(position)
    if through is None or through < on:
        return f"It is to be charged for {on}: late_fees has not assessed this date yet."
    return (
        f"It was not charged for {on}, although every condition is met: late_fees was registered after the date began."
    )


def _charged(
    on: date, fee: LateFeeIncurred, computed: Decimal | None, unmet: Condition | None, later: Sequence[RecordedEvent]
) -> str:
    charged = f"It was charged {fee.amount:,f} {fee.currency} for {on}"
    if unmet is not None:
        return f"{charged}, although {unmet.otherwise}. Run manage.py verify_ledger."
    if computed != fee.amount:
        return f"{charged}, although the rule gives {computed}. Run manage.py verify_ledger."
    taken_back = next((event for event in later if event.type == "LateFeeReversed"), None)
    if taken_back is not None:
        return f"{charged}, and the fee was taken back: {taken_back.data.reason}."
    moved = "; fees of this product were paid, waived or written off later" if later else ""
    return f"{charged}: every condition was met{moved}."
