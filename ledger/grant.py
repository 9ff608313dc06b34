"""Grant balances from plain values: the form in which a request or a script brings them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4  # noqa: TID251 - the edge that makes a grant's uuid where the client leaves it out

from eventstore.records import Appended, IdempotencyKey
from ledger import handlers
from ledger.rules import money
from ledger.rules.commands import Destination, GrantBalances, Source
from ledger.rules.refusals.fields import InvalidAmount
from ledger.rules.refusals.inputs import InvalidInput

SOURCE_FIELDS = frozenset({"from_type", "from_uuid"})
DESTINATION_FIELDS = frozenset({"to_company_uuid", "to_company_account_uuid", "amount"})


def grant_balances(  # noqa: PLR0913 - what is granted, by whom, and under which key
    reference: str,
    sources: Sequence[Mapping[str, Any]],
    destinations: Sequence[Mapping[str, Any]],
    *,
    actor: str,
    currency: str | None = None,
    grant_uuid: UUID | None = None,
    correlation_id: str | None = None,
    key: IdempotencyKey | None = None,
    using: str = "default",
) -> Appended:
    """Grant the balances of `sources` to the accounts of `destinations`; raises the Refusal of the first rule broken.

    A source is {from_type: "asset" | "company", from_uuid}; a destination is {to_company_uuid,
    to_company_account_uuid, amount, product_uuid (optional)}, its amount a text or a Decimal.
    """
    command = GrantBalances(
        grant_uuid=grant_uuid or uuid4(),
        reference=reference,
        sources=tuple(_source(f"/sources/{index}", given) for index, given in enumerate(sources)),
        destinations=tuple(_destination(f"/destinations/{index}", given) for index, given in enumerate(destinations)),
        currency=currency,
    )
    return handlers.execute(command, actor=actor, correlation_id=correlation_id, key=key, using=using)


def _source(pointer: str, given: Mapping[str, Any]) -> Source:
    _check_fields(pointer, given, SOURCE_FIELDS)
    return Source(str(given["from_type"]), _uuid(f"{pointer}/from_uuid", given["from_uuid"]))


def _destination(pointer: str, given: Mapping[str, Any]) -> Destination:
    _check_fields(pointer, given, DESTINATION_FIELDS, optional="product_uuid")
    product_uuid = given.get("product_uuid")
    return Destination(
        _uuid(f"{pointer}/to_company_uuid", given["to_company_uuid"]),
        _uuid(f"{pointer}/to_company_account_uuid", given["to_company_account_uuid"]),
        _amount(f"{pointer}/amount", given["amount"]),
        None if product_uuid is None else _uuid(f"{pointer}/product_uuid", product_uuid),
    )


def _check_fields(pointer: str, given: Mapping[str, Any], needed: frozenset[str], optional: str = "") -> None:
    for name in sorted(needed - given.keys()):
        raise InvalidInput(pointer=f"{pointer}/{name}", reason="it is missing")
    for name in sorted(given.keys() - needed - {optional}):
        raise InvalidInput(pointer=f"{pointer}/{name}", reason="there is no such field")


def _uuid(pointer: str, value: object) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError as error:
        raise InvalidInput(pointer=pointer, reason="it is not a UUID") from error


def _amount(pointer: str, value: object) -> Decimal:
    match value:
        case Decimal():
            return value
        case str():
            return money.parse_decimal(value)
        case _:
            raise InvalidAmount(field=pointer, value=str(value), reason="it is neither text nor a decimal")
