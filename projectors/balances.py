"""Keeps the balance of each company, asset and funding account."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from django.db.models import Model

from eventstore.consumers.catching_up.ranges import EVENTS_OF_RANGE
from eventstore.consumers.definitions import SetProjector
from eventstore.named_sql import named_sql
from eventstore.records import RecordedEvent
from eventstore.store import read_all
from projectors.events.payloads import digits, minor, payload_of
from projectors.models import Balance
from projectors.sets.statements import change_rows
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
_OPENS: Final = ("CompanyRegistered", "AssetRegistered", "FundingAccountOpened")
_SQL: Final = named_sql(Path(__file__).parent / "sets" / "balances.sql", events=EVENTS_OF_RANGE)


class Balances(SetProjector):
    """Projects balances: one row for each company, asset and funding account."""

    name: ClassVar[str] = "balances"
    types: ClassVar[tuple[str, ...]] = (
        *_OPENS,
        "AssetRevalued",
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

    def project_range(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Add the rows of new entities one by one, and change all rows by one statement."""
        opened = read_all(after=after, up_to=up_to, types=_OPENS, using=using)
        _TABLE.insert([_opened(_key(event.stream_id), event) for event in opened], generation, using)
        values = {
            "after": after,
            "up_to": up_to,
            "generation": generation,
            "adds": sorted(_ADDS),
            "takes": sorted(_TAKES),
            "statuses": sorted(_STATUS),
            "status_of": json.dumps(_STATUS),
            "types": [name for name in self.types if name not in _OPENS],
        }
        change_rows(_TABLE.name, _SQL["change"], values, using)


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
