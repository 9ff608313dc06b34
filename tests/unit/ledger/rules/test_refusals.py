"""Every refusal has a stable slug, and a sentence with all its figures."""

from dataclasses import fields
from decimal import Decimal
from typing import get_args

import pytest

from ledger.rules import refusals
from ledger.rules.commands import Command
from ledger.rules.decide import STATES
from ledger.rules.events import CATEGORIES
from ledger.rules.refusals.balances import InsufficientFunds
from ledger.rules.refusals.base import AgainstTheRules, Conflicting, NotAcceptable, NotThere, Refusal

FAMILIES = (NotAcceptable, NotThere, Conflicting, AgainstTheRules)
REFUSALS = [refusal for family in FAMILIES for refusal in family.__subclasses__()]

# Clients decide by these slugs: one may be added, and none may be changed or removed.
SLUGS = {
    "account-is-closed", "account-not-active", "account-not-empty", "account-of-another-company",
    "already-active", "already-exists", "already-reversed", "asset-already-financed", "balance-too-large",
    "company-twice-in-role", "currency-mismatch", "currency-required", "deal-is-deleted", "deal-not-active",
    "deal-without-companies", "insufficient-funds", "invalid-amount", "invalid-rate", "invalid-text",
    "membership-company-count", "no-destinations", "no-sources", "nothing-owed", "nothing-to-reverse",
    "obligor-not-in-deal", "obligor-required", "one-target-required", "payment-exceeds-outstanding",
    "principal-exceeds-value", "product-is-written-off", "product-line-fixed", "rating-tier-not-allowed",
    "rating-tier-required", "role-not-played", "sender-is-receiver", "source-twice", "source-without-balance",
    "unknown-account", "unknown-asset", "unknown-company", "unknown-currency", "unknown-deal", "unknown-from-type",
    "unknown-product", "unknown-product-line", "waiver-exceeds-fees",
}  # fmt: skip


def test_no_known_slug_changes() -> None:
    slugs = [refusal.slug for refusal in REFUSALS]
    assert set(slugs) >= SLUGS
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.slug)
def test_a_sentence_contains_all_figures(refusal: type[Refusal]) -> None:
    figures = {field.name: f"<{field.name}>" for field in fields(refusal)}
    sentence = str(refusal(**figures))
    assert [figure for figure in figures.values() if figure not in sentence] == []
    assert sentence.endswith(".")
    assert "{" not in sentence


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.slug)
def test_the_tree_names_every_refusal(refusal: type[Refusal]) -> None:
    assert refusals.__doc__ is not None
    assert refusal.__name__ in refusals.__doc__


def test_a_refusal_carries_its_figures_as_attributes() -> None:
    refused = InsufficientFunds(available=Decimal("0E-2"), requested=Decimal("1.00"), currency="USD")
    assert refused.facts == {"available": Decimal("0.00"), "requested": Decimal("1.00"), "currency": "USD"}
    assert str(refused) == "1.00 USD requested, 0.00 USD available."


def test_every_category_with_a_uuid_has_a_state() -> None:
    assert set(STATES) == set(CATEGORIES) - {"system", "late_fees", "seals"}


def test_there_are_27_commands() -> None:
    assert len(get_args(Command)) == 27
