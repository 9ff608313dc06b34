"""Keeps the directory of companies and deals."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Model

from eventstore.consumers.definitions import Projector
from eventstore.records import RecordedEvent
from projectors.events.payloads import payload_of
from projectors.models import Company, Deal, DealCompany
from projectors.tables.draft import Draft
from projectors.tables.layout import Key, Row
from projectors.tables.table import Table

_COMPANIES = Table(Company, key=("company_uuid",), changing=("name", "currency", "position"))
_DEALS = Table(
    Deal,
    key=("deal_uuid",),
    changing=("product_line_id", "companies", "rating_tier", "status", "position"),
)
_DEAL_COMPANIES = Table(DealCompany, key=("deal_uuid", "company_uuid", "role"))


class Directory(Projector):
    """Projects companies (name, currency) and deals (product line, companies and roles, status)."""

    name: ClassVar[str] = "directory"
    types: ClassVar[tuple[str, ...]] = (
        "CompanyRegistered",
        "CompanyRenamed",
        "CompanyFunded",
        "PayoutReturnedToCompany",
        "DealCreated",
        "DealUpdated",
        "DealActivated",
        "DealDeleted",
    )
    tables: ClassVar[tuple[type[Model], ...]] = (Company, Deal, DealCompany)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Fold the events into the rows of their companies and deals."""
        companies = [event for event in events if event.category == "company"]
        deals = [event for event in events if event.category == "deal"]
        _project_companies(companies, generation, using)
        _project_deals(deals, generation, using)


def _key(event: RecordedEvent) -> Key:
    return (event.stream_id.partition("-")[2],)


def _project_companies(events: Sequence[RecordedEvent], generation: int, using: str) -> None:
    draft = Draft(_COMPANIES, {_key(event) for event in events}, generation, using)
    for event in events:
        key = _key(event)
        if event.type == "CompanyRegistered":
            name = payload_of(event)["name"]
            draft.add(key, {"position": event.position, "company_uuid": key[0], "name": name, "currency": ""})
        elif event.type == "CompanyRenamed":
            draft.change(key, event.position)["name"] = payload_of(event)["name"]
        else:
            currency = payload_of(event)["currency"]
            if draft.find(key, event.position)["currency"] != currency:
                draft.change(key, event.position)["currency"] = currency
    draft.save()


def _project_deals(events: Sequence[RecordedEvent], generation: int, using: str) -> None:
    draft = Draft(_DEALS, {_key(event) for event in events}, generation, using)
    roles: dict[str, list[Row]] = {}
    for event in events:
        key = _key(event)
        if event.type == "DealActivated":
            draft.change(key, event.position)["status"] = "active"
        elif event.type == "DealDeleted":
            draft.change(key, event.position)["status"] = "deleted"
        else:
            terms = _terms(payload_of(event))
            if event.type == "DealCreated":
                draft.add(key, {"position": event.position, "deal_uuid": key[0], **terms})
            else:
                draft.change(key, event.position).update(terms)
            roles[key[0]] = [
                {"position": event.position, "deal_uuid": key[0], **company}
                for company in json.loads(terms["companies"])
            ]
    draft.save()
    _DEAL_COMPANIES.delete("deal_uuid", [*roles], generation, using)
    _DEAL_COMPANIES.insert([row for rows in roles.values() for row in rows], generation, using)


def _terms(payload: dict[str, Any]) -> Row:
    return {
        "product_line_id": payload["product_line_id"],
        "companies": json.dumps(payload["companies"]),
        "rating_tier": payload.get("rating_tier"),
        "status": "created",
    }
