"""Which field of a form a refusal is about, and what to do about it in Books."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from ledger.rules.refusals.base import NotAcceptable, Refusal
from web.books.acting.fields import Fault
from web.protocol.json_pointers import pointer_to

_FIELD_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "already-reversed": ("position",),
    "asset-already-financed": ("asset_uuid",),
    "balance-too-large": ("amount",),
    "currency-mismatch": ("currency", "amount"),
    "fee-not-outstanding": ("position",),
    "insufficient-funds": ("amount", "position", "destinations"),
    "membership-company-count": ("companies",),
    "no-destinations": ("destinations",),
    "no-sources": ("sources",),
    "nothing-to-reverse": ("position",),
    "obligor-required": ("obligor_company_uuid",),
    "payment-exceeds-outstanding": ("amount",),
    "principal-exceeds-value": ("principal",),
    "product-line-fixed": ("product_line_id",),
    "rating-tier-not-allowed": ("rating_tier",),
    "rating-tier-required": ("rating_tier",),
    "recovery-exceeds-write-off": ("amount", "position"),
    "role-not-played": ("late_fee_payer_role",),
    "sender-is-receiver": ("receiver_company_uuid",),
    "waiver-exceeds-fees": ("amount",),
    "deal-without-companies": ("companies",),
}
"""The fields that a refusal is about, by its slug; the first that the command has counts."""


IN_BOOKS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "account-of-another-company": (
        "Name the company that the account belongs to: the account's page shows it.",
        lambda refusal: reverse("books:balance", args=["account", refusal.account_uuid]),
    ),
    "nothing-to-reverse": (
        "Look for the position in the stream.",
        lambda refusal: reverse("books:stream", args=[refusal.stream_id]),
    ),
}
"""By the slug of a refusal whose remedy is an address of the API: the remedy in Books, and the address of its page."""


def fault_of(refusal: Refusal) -> Fault:
    """Return a refusal as the fault of a field: its sentence, and its remedy as people follow it."""
    if refusal.slug not in IN_BOOKS:
        return Fault(str(refusal), refusal.remedy)
    remedy, page_of = IN_BOOKS[refusal.slug]
    return Fault(str(refusal), remedy, page_of(refusal))


def field_of(refusal: Refusal, command: object) -> str:
    """Return the name of the field that a refusal is about; "" if it is about the command as a whole."""
    if isinstance(refusal, NotAcceptable):
        return pointer_to(refusal, command).strip("/").replace("/", "-")
    names = {field.name for field in dataclasses.fields(command)}  # type: ignore[arg-type] # a command is a dataclass
    own = next((name for name in _FIELD_OF.get(refusal.slug, ()) if name in names), None)
    if own is not None:
        return own
    named = [value for value in refusal.facts.values() if isinstance(value, UUID)]
    return next((name for name, value in _uuids(command, "") if value in named), "")


def _uuids(value: Any, name: str) -> Iterator[tuple[str, UUID]]:
    """Yield the uuids of a command, the last first: what stands twice is refused at its second place."""
    if isinstance(value, tuple):
        for index in reversed(range(len(value))):
            yield from _uuids(value[index], f"{name}-{index}")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _uuids(getattr(value, field.name), f"{name}-{field.name}".strip("-"))
    elif isinstance(value, UUID):
        yield name, value
