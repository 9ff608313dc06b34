"""Grant balances: the one way in which every grant is made, by an HTTP request, a script or the demonstration."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar, get_type_hints
from uuid import UUID, uuid4  # noqa: TID251 - the edge that makes the uuid of a grant if the client sends none

from eventstore.records import Appended, IdempotencyKey
from ledger import handlers
from ledger.rules import money
from ledger.rules.commands import Destination, GrantBalances, Source
from ledger.rules.refusals.fields import InvalidAmount
from ledger.rules.refusals.inputs import InvalidInput

Part = TypeVar("Part", Source, Destination)


def grant_balances(  # noqa: PLR0913 - what is granted, who grants it, and under which key
    reference: str,
    sources: Sequence[Source | Mapping[str, Any]],
    destinations: Sequence[Destination | Mapping[str, Any]],
    *,
    actor: str,
    currency: str | None = None,
    grant_uuid: UUID | None = None,
    correlation_id: str | None = None,
    key: IdempotencyKey | None = None,
    metadata: Mapping[str, Any] | None = None,
    expected: Mapping[str, int] | None = None,
    using: str = "default",
) -> Appended:
    """Grant the balances of `sources` to the accounts of `destinations`; raises the Refusal of the first broken rule.

    A source is {from_type: "asset" | "company", from_uuid}. A destination is {to_company_uuid,
    to_company_account_uuid, amount, product_uuid (optional)}; its amount is text or a Decimal. A caller that has
    already checked them passes instances of Source and Destination.
    """
    command = GrantBalances(
        grant_uuid=grant_uuid or uuid4(),
        reference=reference,
        sources=tuple(_part(Source, f"/sources/{index}", given) for index, given in enumerate(sources)),
        destinations=tuple(
            _part(Destination, f"/destinations/{index}", given) for index, given in enumerate(destinations)
        ),
        currency=currency,
    )
    return handlers.execute(
        command,
        actor=actor,
        correlation_id=correlation_id,
        key=key,
        metadata=metadata,
        expected=expected,
        using=using,
    )


def _part(cls: type[Part], pointer: str, given: Part | Mapping[str, Any]) -> Part:
    """Return a source or a destination, with its fields as the class declares them."""
    if not isinstance(given, Mapping):
        return given
    values = dict(given)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in sorted(name for name, field in fields.items() if field.default is dataclasses.MISSING):
        if name not in values:
            raise InvalidInput(pointer=f"{pointer}/{name}", reason="is required")
    for name in sorted(values.keys() - fields.keys()):
        raise InvalidInput(pointer=f"{pointer}/{name}", reason="unknown field")
    hints = get_type_hints(cls)
    return cls(**{name: _CONVERSIONS[hints[name]](f"{pointer}/{name}", value) for name, value in values.items()})


def _text(pointer: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(pointer=pointer, reason="must be a string")
    return value


def _uuid(pointer: str, value: object) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError as error:
        raise InvalidInput(pointer=pointer, reason="must be a UUID") from error


def _optional_uuid(pointer: str, value: object) -> UUID | None:
    return None if value is None else _uuid(pointer, value)


def _amount(pointer: str, value: object) -> Decimal:
    match value:
        case Decimal():
            return value
        case str():
            return money.parse_decimal(value)
        case _:
            raise InvalidAmount(field=pointer, value=str(value), reason="it is neither text nor a decimal")


_CONVERSIONS: Final[dict[Any, Callable[[str, object], Any]]] = {
    str: _text,
    UUID: _uuid,
    UUID | None: _optional_uuid,
    Decimal: _amount,
}
"""How a plain value becomes one of the type that a field declares."""
