"""The copies of states."""

import dataclasses
from typing import Any

import pytest

from ledger.rules.decide import STATES
from ledger.rules.replacing import replace


@pytest.mark.parametrize("initial", [initial for initial, _ in STATES.values()], ids=STATES.keys())
def test_a_copy_is_the_one_that_dataclasses_would_make(initial: Any) -> None:
    for field in dataclasses.fields(initial):
        change = {field.name: object()}
        before = dataclasses.replace(initial)
        copy = replace(initial, **change)

        assert copy == dataclasses.replace(initial, **change)
        assert copy is not initial
        assert initial == before


@pytest.mark.parametrize("initial", [initial for initial, _ in STATES.values()], ids=STATES.keys())
def test_a_field_that_a_state_does_not_have_is_refused(initial: Any) -> None:
    with pytest.raises(AttributeError):
        replace(initial, unknown=1)
