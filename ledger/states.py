"""The state of any company, asset, account, deal, product or grant: now, at a position, or on a business date."""

from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from eventstore.log.cache import AggregateCache, Loaded
from ledger import as_of as asof
from ledger.rules import decide
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.aggregates.deal import Deal
from ledger.rules.aggregates.grant import Grant
from ledger.rules.aggregates.product import Product


@cache
def cache_of(category: str, using: str) -> AggregateCache[Any]:
    """Return the process's cache of a category, made when first asked for; KeyError where there is no such category."""
    initial, evolve = decide.STATES[category]
    return AggregateCache(category, initial, evolve, settings.AGGREGATE_CACHE_SIZE, using)


def state(category: str, uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Any]:
    """Return an aggregate's state, with the version and position of its last event; 0 where there is none.

    Raises DateNotCycled for a date after the last one cycled and PositionBeyondHead for a position that is not yet.
    """
    position = asof.resolve(as_of, using)
    kept = cache_of(category, using)
    return kept.load(uuid) if position is None else kept.load_at(uuid, position)


def company(uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Company]:
    """Return a company; as all of these, now or as of a position or business date, as `state` says."""
    return state("company", uuid, as_of, using)


def asset(uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Asset]:
    """Return an asset."""
    return state("asset", uuid, as_of, using)


def account(uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Account]:
    """Return a funding account."""
    return state("account", uuid, as_of, using)


def deal(uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Deal]:
    """Return a deal."""
    return state("deal", uuid, as_of, using)


def product(uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Product]:
    """Return a product."""
    return state("product", uuid, as_of, using)


def grant(uuid: UUID, as_of: int | date | None = None, using: str = "default") -> Loaded[Grant]:
    """Return a grant."""
    return state("grant", uuid, as_of, using)
