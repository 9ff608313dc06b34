"""Refusals because something is not there, or is there or done already."""

from dataclasses import dataclass
from uuid import UUID

from ledger.rules.refusals.base import Conflicting, NotThere


@dataclass(eq=False, kw_only=True)
class UnknownCompany(NotThere):
    """A company that is named does not exist."""

    slug = "unknown-company"
    sentence = "There is no company {company_uuid}."
    remedy = "Look at the uuid, or register the company first."

    company_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownAsset(NotThere):
    """An asset that is named does not exist."""

    slug = "unknown-asset"
    sentence = "There is no asset {asset_uuid}."
    remedy = "Look at the uuid, or register the asset first."

    asset_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownAccount(NotThere):
    """A funding account that is named does not exist."""

    slug = "unknown-account"
    sentence = "There is no funding account {account_uuid}."
    remedy = "Look at the uuid, or open the funding account first."

    account_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownDeal(NotThere):
    """A deal that is named does not exist."""

    slug = "unknown-deal"
    sentence = "There is no deal {deal_uuid}."
    remedy = "Look at the uuid, or create the deal first."

    deal_uuid: UUID


@dataclass(eq=False, kw_only=True)
class UnknownProduct(NotThere):
    """A product that is named does not exist."""

    slug = "unknown-product"
    sentence = "There is no product {product_uuid}."
    remedy = "Look at the uuid, or originate the product first."

    product_uuid: UUID


@dataclass(eq=False, kw_only=True)
class NothingToReverse(NotThere):
    """A position is not that of an event of the target that could be taken back."""

    slug = "nothing-to-reverse"
    sentence = "Position {position} is no {expected} of {stream_id}."
    remedy = "Look for the position in GET /api/events with that stream_id."

    position: int
    expected: str
    stream_id: str


@dataclass(eq=False, kw_only=True)
class AlreadyExists(Conflicting):
    """A uuid is taken in its category."""

    slug = "already-exists"
    sentence = "The {category} {uuid} exists already."
    remedy = "If you repeat a request of your own, it was done; otherwise choose another uuid."

    category: str
    uuid: UUID


@dataclass(eq=False, kw_only=True)
class AlreadyActive(Conflicting):
    """An account or deal is active already."""

    slug = "already-active"
    sentence = "The {category} {uuid} is active already."
    remedy = "There is nothing left to do."

    category: str
    uuid: UUID


@dataclass(eq=False, kw_only=True)
class AlreadyReversed(Conflicting):
    """An event was taken back before."""

    slug = "already-reversed"
    sentence = "What happened at position {position} has been reversed already."
    remedy = "There is nothing left to do."

    position: int
