"""Keeps the balance of each company, asset and funding account."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Model

from eventstore.consumers.definitions import Projector
from eventstore.records import RecordedEvent
from projectors.events.payloads import digits, minor, payload_of
from projectors.models import Balance
from projectors.tables.draft import Draft
from projectors.tables.layout import Row
from projectors.tables.table import Table

_TABLE = Table(
    Balance,
    key=("entity", "uuid"),
    changing=("balance", "currency", "minor_digits", "status", "position"),
)

# Events whose amount is added to the balance, and events whose amount is taken from it.
_ADDS = frozenset({"CompanyFunded", "AssetFunded", "FundsCredited", "PayoutReturned", "PayoutReturnedToCompany"})
_TAKES = frozenset({"FundsDebited", "FundingReversed", "FundsPaidOut"})
_STATUS = {"FundingAccountActivated": "active", "FundingAccountClosed": "closed"}


class Balances(Projector):
    """Projects balances: one row for each company, asset and funding account."""

    name: ClassVar[str] = "balances"
    types: ClassVar[tuple[str, ...]] = (
        "CompanyRegistered",
        "AssetRegistered",
        "AssetRevalued",
        "FundingAccountOpened",
        *sorted(_ADDS),
        *sorted(_TAKES),
        *_STATUS,
    )
    tables: ClassVar[tuple[type[Model], ...]] = (Balance,)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Fold the events into their entities' rows."""
        keyed = [(_key(event.stream_id), event) for event in events]
        draft = Draft(_TABLE, {key for key, _ in keyed}, generation, using)
        for key, event in keyed:
            type_ = event.type
            if type_ in _ADDS:
                _add(draft.change(key, event.position), payload_of(event), 1)
            elif type_ in _TAKES:
                _add(draft.change(key, event.position), payload_of(event), -1)
            elif type_ in _STATUS:
                draft.change(key, event.position)["status"] = _STATUS[type_]
            elif type_ == "AssetRevalued":
                _denominate(draft, key, event)
            else:
                draft.add(key, _opened(key, event))
        draft.save()


def _key(stream_id: str) -> tuple[str, str]:
    entity, _, uuid = stream_id.partition("-")
    return entity, uuid


def _add(row: Row, payload: dict[str, Any], sign: int) -> None:
    amount = payload["amount"]
    row["balance"] += sign * minor(amount)
    # A currency changes only while the balance is zero.
    row["currency"], row["minor_digits"] = payload["currency"], digits(amount)


def _denominate(draft: Draft, key: tuple[str, str], event: RecordedEvent) -> None:
    payload = payload_of(event)
    if draft.find(key, event.position)["currency"] != payload["currency"]:
        row = draft.change(key, event.position)
        row["currency"], row["minor_digits"] = payload["currency"], digits(payload["value"])


def _opened(key: tuple[str, str], event: RecordedEvent) -> Row:
    entity, uuid = key
    payload = payload_of(event)
    return {
        "position": event.position,
        "entity": entity,
        "uuid": uuid,
        "balance": 0,
        "currency": payload.get("currency", ""),
        "minor_digits": digits(payload.get("value", "")),
        "status": "pending" if entity == "account" else "",
        "company_uuid": payload.get("company_uuid"),
        "label": payload.get("label", ""),
    }
