"""The ids of what an import makes, derived from the file's own keys: every run finds what an earlier one made."""

import json
from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("6d1c1b52-54a5-5c0e-9f0e-5d7d3c2f8a41")


def _derived(*keys: str) -> UUID:
    # JSON keeps ("a", "bc") apart from ("ab", "c").
    return uuid5(NAMESPACE, json.dumps(keys, ensure_ascii=True))


def seller_uuid(seller: str) -> UUID:
    """Return the company that sells the invoices."""
    return _derived("seller", seller)


def customer_uuid(seller: str, customer: str) -> UUID:
    """Return the company that a customer is, per seller: two sellers' customer numbers have nothing in common."""
    return _derived("customer", seller, customer)


def deal_uuid(seller: str, customer: str) -> UUID:
    """Return the deal between a seller and one customer."""
    return _derived("deal", seller, customer)


def asset_uuid(seller: str, number: str) -> UUID:
    """Return the asset that an invoice is."""
    return _derived("asset", seller, number)


def product_uuid(seller: str, number: str) -> UUID:
    """Return the product that is owed on an invoice."""
    return _derived("product", seller, number)
