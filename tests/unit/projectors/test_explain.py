"""Explanations cover every event type: each change of a figure has a term, and each event has words."""

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.rules import events
from ledger.rules.decide import STATES
from ledger.rules.events import CATEGORIES
from projectors.explain import balance, product
from projectors.explain.words import fee_arithmetic, headline, words
from tests.support.rounds import rounds

EVENTS = sorted({cls for classes in CATEGORIES.values() for cls in classes}, key=lambda cls: cls.__name__)
A_FEE = events.LateFeeIncurred(
    Decimal("0.04"),
    "USD",
    UUID(int=1),
    date(2012, 3, 13),
    None,  # type: ignore[arg-type] # words do not tell it
    UUID(int=2),
    Decimal("45.00"),
    Decimal("0.001"),
    1,
)


def instances(cls: type) -> st.SearchStrategy[Any]:
    special = {"product_line_id": st.sampled_from([1, 2, 3, 4])}
    decimals = st.decimals(min_value=0, max_value=10**6, places=2)
    st.register_type_strategy(Decimal, decimals)
    fields = {field.name: special[field.name] for field in dataclasses.fields(cls) if field.name in special}
    return st.builds(cls, **fields)


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.__name__)
def test_every_event_has_words(cls: type) -> None:
    @settings(max_examples=rounds(20))
    @given(instances(cls))
    def has_words(event: Any) -> None:
        assert words(event).what
        assert headline(event).startswith(words(event).what)

    has_words()


def test_every_event_of_a_product_belongs_to_terms() -> None:
    assert set(product.TERMS_OF) == {cls.__name__ for cls in CATEGORIES["product"]}
    named = {name for pair in product.TERMS_OF.values() for name in pair if name}
    assert named == {name for name, _ in product.TERMS}


@pytest.mark.parametrize("category", balance.TERMS_OF)
def test_every_event_that_changes_a_balance_belongs_to_a_term(category: str) -> None:
    initial, evolve = STATES[category]

    @settings(max_examples=rounds(20))
    @given(st.data())
    def is_named(data: st.DataObject) -> None:
        for cls in CATEGORIES[category]:
            changed = evolve(initial, data.draw(instances(cls))).balance != initial.balance
            assert not changed or cls.__name__ in balance.TERMS_OF[category]

    is_named()


def test_a_fee_says_how_it_was_computed_and_rounded() -> None:
    assert fee_arithmetic(A_FEE) == "45.00 × 0.001 = 0.045, rounded half-even to 0.04"


def test_an_event_by_itself_says_its_amount() -> None:
    assert headline(A_FEE) == "Late fee of 0.04 USD for 2012-03-13"
    assert headline(events.PaymentApplied(Decimal(5), Decimal(5), Decimal(0), "USD", "x")) == "Payment received: 5 USD"


def test_a_fee_that_needs_no_rounding_says_nothing_of_it() -> None:
    exact = dataclasses.replace(A_FEE, amount=Decimal("0.05"), asset_value=Decimal("50.00"))
    assert fee_arithmetic(exact) == "50.00 × 0.001 = 0.05"
    with_digits = dataclasses.replace(A_FEE, amount=Decimal("1.50"), asset_value=Decimal("1500.00"))
    assert fee_arithmetic(with_digits) == "1,500.00 × 0.001 = 1.50"
