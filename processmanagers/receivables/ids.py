"""The ids of what an import creates: derived from the file's own keys, they are the same in every run."""

import json
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

from ledger.rules.texts import identity

NAMESPACE: Final = UUID("6d1c1b52-54a5-5c0e-9f0e-5d7d3c2f8a41")
_KEPT: Final = 10_000
"""How many ids of customers and of deals are kept, because a file names each of them many times."""


def _derived(*keys: str) -> UUID:
    # See Note [Identity of text]. JSON keeps ("a", "bc") apart from ("ab", "c").
    return uuid5(NAMESPACE, json.dumps([identity(key) for key in keys], ensure_ascii=True))


@lru_cache(maxsize=_KEPT)
def seller_uuid(seller: str) -> UUID:
    """Return the id of the seller, a company."""
    return _derived("seller", seller)


@lru_cache(maxsize=_KEPT)
def customer_uuid(seller: str, customer: str) -> UUID:
    """Return the id of a customer, a company. It depends on the seller: two sellers' customer ids are unrelated."""
    return _derived("customer", seller, customer)


@lru_cache(maxsize=_KEPT)
def deal_uuid(seller: str, customer: str) -> UUID:
    """Return the id of the deal between a seller and a customer."""
    return _derived("deal", seller, customer)


def asset_uuid(seller: str, number: str) -> UUID:
    """Return the id of an invoice's asset."""
    return _derived("asset", seller, number)


def product_uuid(seller: str, number: str) -> UUID:
    """Return the id of an invoice's product."""
    return _derived("product", seller, number)


def correlation_id(seller: str, number: str) -> str:
    """Return the correlation id of everything that imports record for an invoice."""
    return str(_derived("correlation", seller, number))
