"""Keeps each financial product: its terms at origination, and what has been paid, charged and forgiven since.

The status is `open` while principal is outstanding. What a write-off gives up is neither paid nor waived; if anything
is given up, the status is then `written_off`.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, ClassVar, Final

from django.db.models import Model

from eventstore.consumers.definitions import SetProjector
from eventstore.records import RecordedEvent
from eventstore.store import read_all
from ledger.rules import texts
from projectors.events.payloads import digits, minor, payload_of
from projectors.models import FinancialProduct
from projectors.sets import products
from projectors.sets.statements import change_rows
from projectors.tables.draft import Draft
from projectors.tables.layout import Row
from projectors.tables.table import Table

_FIGURES = (
    "principal_outstanding",
    "principal_paid",
    "fees_incurred",
    "fees_paid",
    "fees_waived",
    "fees_outstanding",
)
_TABLE = Table(
    FinancialProduct,
    key=("product_uuid",),
    changing=(
        "principal",  # never changes, but the status is computed from it
        *_FIGURES,
        "owes",
        "status",
        "principal_zero_position",
        "owing_again_position",
        "position",
    ),
)

_ORIGINATED: Final = "ProductOriginated"
# Plain text, because the rows bypass the ORM.
_OPEN, _PAID, _WRITTEN_OFF = (str(status) for status in FinancialProduct.Status)


class FinancialProducts(SetProjector):
    """Projects financial products, with the positions from which late fees learn what was owed at a cycle."""

    name: ClassVar[str] = "financial_products"
    types: ClassVar[tuple[str, ...]] = (
        _ORIGINATED,
        "PaymentApplied",
        "PaymentReversed",
        "LateFeeIncurred",
        "LateFeeWaived",
        "ProductWrittenOff",
        "LateFeeReversed",
        "WaiverReversed",
        "WriteOffReversed",
    )
    tables: ClassVar[tuple[type[Model], ...]] = (FinancialProduct,)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Fold the events into their products' rows."""
        keyed = [((event.stream_id.partition("-")[2],), event) for event in events]
        draft = Draft(_TABLE, {key for key, _ in keyed}, generation, using)
        for key, event in keyed:
            if event.type == _ORIGINATED:
                draft.add(key, _originated(key[0], event))
                continue
            row = draft.change(key, event.position)
            owed_before = row["principal_outstanding"]
            _CHANGES[event.type](row, payload_of(event))
            _settle(row, owed_before, event.position)
        draft.save()

    def project_range(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Add new products one by one, and change all products by one statement."""
        new = read_all(after=after, up_to=up_to, types=[_ORIGINATED], using=using)
        _TABLE.insert([_originated(event.stream_id.partition("-")[2], event) for event in new], generation, using)
        statuses = {"open": _OPEN, "paid": _PAID, "written_off": _WRITTEN_OFF}
        values = {"after": after, "up_to": up_to, "generation": generation, "types": [*_CHANGES], **statuses}
        change_rows(_TABLE.name, _statement(), values, using)


def _originated(product_uuid: str, event: RecordedEvent) -> Row:
    payload = payload_of(event)
    principal = minor(payload["principal"])
    return {
        "position": event.position,
        "product_uuid": product_uuid,
        "deal_uuid": payload["deal_uuid"],
        "asset_uuid": payload["asset_uuid"],
        "obligor_company_uuid": payload["obligor_company_uuid"],
        "principal": principal,
        "currency": payload["currency"],
        "minor_digits": digits(payload["principal"]),
        "due_date": payload["due_date"],
        "daily_late_fee_rate": payload["daily_late_fee_rate"],
        "late_fee_payer_role": payload["late_fee_payer_role"],
        "companies": json.dumps(payload["companies"]),
        "reference": payload["reference"],
        "reference_identity": texts.identity(payload["reference"]),
        "principal_outstanding": principal,
        "principal_paid": 0,
        "fees_incurred": 0,
        "fees_paid": 0,
        "fees_waived": 0,
        "fees_outstanding": 0,
        "owes": True,
        "status": _OPEN,
        "originated_position": event.position,
        "principal_zero_position": None,
        "owing_again_position": None,
    }


def _pay(row: Row, payload: dict[str, Any]) -> None:
    _move(row, minor(payload["to_principal"]), minor(payload["to_fees"]))


def _pay_back(row: Row, payload: dict[str, Any]) -> None:
    _move(row, -minor(payload["to_principal"]), -minor(payload["to_fees"]))


def _move(row: Row, principal: int, fees: int) -> None:
    row["principal_outstanding"] -= principal
    row["principal_paid"] += principal
    row["fees_outstanding"] -= fees
    row["fees_paid"] += fees


def _charge(row: Row, payload: dict[str, Any], sign: int = 1) -> None:
    amount = sign * minor(payload["amount"])
    row["fees_incurred"] += amount
    row["fees_outstanding"] += amount


def _take_fee_back(row: Row, payload: dict[str, Any]) -> None:
    _charge(row, payload, -1)


def _waive(row: Row, payload: dict[str, Any], sign: int = 1) -> None:
    amount = sign * minor(payload["amount"])
    row["fees_waived"] += amount
    row["fees_outstanding"] -= amount


def _take_waiver_back(row: Row, payload: dict[str, Any]) -> None:
    _waive(row, payload, -1)


def _write_off(row: Row, payload: dict[str, Any], sign: int = 1) -> None:
    row["principal_outstanding"] -= sign * minor(payload["principal"])
    row["fees_outstanding"] -= sign * minor(payload["fees"])


def _take_write_off_back(row: Row, payload: dict[str, Any]) -> None:
    _write_off(row, payload, -1)


_CHANGES: dict[str, Callable[[Row, dict[str, Any]], None]] = {
    "PaymentApplied": _pay,
    "PaymentReversed": _pay_back,
    "LateFeeIncurred": _charge,
    "LateFeeWaived": _waive,
    "ProductWrittenOff": _write_off,
    "LateFeeReversed": _take_fee_back,
    "WaiverReversed": _take_waiver_back,
    "WriteOffReversed": _take_write_off_back,
}


def change_of(event_type: str, payload: dict[str, Any]) -> Row:
    """Return what an event adds to the figures of its product."""
    change: Row = dict.fromkeys(_FIGURES, 0)
    _CHANGES[event_type](change, payload)
    return change


@cache
def _statement() -> str:
    return products.statement({name: partial(change_of, name) for name in _CHANGES}, _FIGURES)


def _settle(row: Row, owed_before: int, position: int) -> None:
    owed = row["principal_outstanding"]
    row["owes"] = owed > 0 or row["fees_outstanding"] > 0
    row["status"] = _status(row)
    if owed_before > 0 and owed == 0:
        row["principal_zero_position"] = position
    elif owed_before == 0 and owed > 0:
        row["owing_again_position"] = position


def _status(row: Row) -> str:
    if row["principal_outstanding"] > 0:
        return _OPEN
    kept = row["principal_paid"] + row["fees_paid"] + row["fees_waived"] + row["fees_outstanding"]
    if row["principal"] + row["fees_incurred"] > kept:
        return _WRITTEN_OFF
    return _OPEN if row["fees_outstanding"] > 0 else _PAID
