"""Facts: what a decision may read, which is states, events of the log and the digits of currencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from ledger.rules.aggregates.account import Account
    from ledger.rules.aggregates.asset import Asset
    from ledger.rules.aggregates.company import Company
    from ledger.rules.aggregates.deal import Deal
    from ledger.rules.aggregates.grant import Grant
    from ledger.rules.aggregates.product import Product


class Facts(Protocol):
    """What is known when a command is decided; what it reads must still be true when its events are appended."""

    def company(self, uuid: UUID) -> Company:
        """Return the company, or the initial state if there is none; the others do the same."""

    def asset(self, uuid: UUID) -> Asset:
        """Return the asset."""

    def account(self, uuid: UUID) -> Account:
        """Return the funding account."""

    def deal(self, uuid: UUID) -> Deal:
        """Return the deal."""

    def product(self, uuid: UUID) -> Product:
        """Return the product."""

    def grant(self, uuid: UUID) -> Grant:
        """Return the grant."""

    def event(self, position: int) -> tuple[str, object] | None:
        """Return the stream id and the event at the position, or None if there is none."""

    def minor_digits(self, currency: str) -> int:
        """Return the number of digits that the currency has after the point; raises UnknownCurrency."""


def stream_id(category: str, uuid: UUID | str) -> str:
    """Return the id of an entity's stream, `<category>-<uuid>`; as text, the uuid is in lower case with hyphens."""
    return f"{category}-{uuid}"
