"""Refusals because something does not exist, exists already or was done already."""

from dataclasses import dataclass
from uuid import UUID

from ledger.rules.refusals.base import Conflicting, NotThere


@dataclass(eq=False, kw_only=True)
class UnknownCompany(NotThere):
    """The company does not exist."""

    slug = "unknown-company"
    sentence = "There is no company {company_uuid}."
    remedy = "Look at the uuid, or register the company first."

    company_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownAsset(NotThere):
    """The asset does not exist."""

    slug = "unknown-asset"
    sentence = "There is no asset {asset_uuid}."
    remedy = "Look at the uuid, or register the asset first."

    asset_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownAccount(NotThere):
    """The funding account does not exist."""

    slug = "unknown-account"
    sentence = "There is no funding account {account_uuid}."
    remedy = "Look at the uuid, or open the funding account first."

    account_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownDeal(NotThere):
    """The deal does not exist."""

    slug = "unknown-deal"
    sentence = "There is no deal {deal_uuid}."
    remedy = "Look at the uuid, or create the deal first."

    deal_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownProduct(NotThere):
    """The product does not exist."""

    slug = "unknown-product"
    sentence = "There is no product {product_uuid}."
    remedy = "Look at the uuid, or originate the product first."

    product_uuid: UUID


@dataclass(eq=False, kw_only=True)
class NothingToReverse(NotThere):
    """There is no event of the target at the position that can be reversed."""

    slug = "nothing-to-reverse"
    sentence = "Position {position} is no {expected} of {stream_id}."
    remedy = "Look for the position in GET /api/events with that stream_id."

    position: int
    expected: str
    stream_id: str


@dataclass(eq=False, kw_only=True)
class AlreadyExists(Conflicting):
    """The uuid is already used in its category."""

    slug = "already-exists"
    sentence = "The {category} {uuid} exists already."
    remedy = "If you repeat a request of your own, it was done; otherwise choose another uuid."

    category: str
    uuid: UUID


@dataclass(eq=False, kw_only=True)
class AlreadyActive(Conflicting):
    """The account or deal is already active."""

    slug = "already-active"
    sentence = "The {category} {uuid} is active already."
    remedy = "There is nothing left to do."

    category: str
    uuid: UUID


@dataclass(eq=False, kw_only=True)
class AlreadyClosed(Conflicting):
    """The funding account was already closed."""

    slug = "already-closed"
    sentence = "The funding account {account_uuid} is closed already."
    remedy = "There is nothing left to do."

    account_uuid: UUID


@dataclass(eq=False, kw_only=True)
class AlreadyReversed(Conflicting):
    """The event was already reversed."""

    slug = "already-reversed"
    sentence = "What happened at position {position} has been reversed already."
    remedy = "There is nothing left to do."

    position: int
