"""The checker of histories finds an order if and only if one exists; the model of the ledger refuses wrong answers."""

from itertools import permutations
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories.books import Answer, Entry, Fund, Log, Look, Question, Recorded, Seen, model
from tests.support.histories.checker import Operation, check


class Add(NamedTuple):
    """Adds one to a register, which answers its value; with `amount` 0 it only reads."""

    amount: int


Adding = Operation[Add, int | None]


Asked = Operation[Question, Answer]
EMPTY: Log = ()


def register(state: int, question: Add, answer: int | None) -> tuple[int, ...]:
    """Return the states after a question; without an answer it was done or not."""
    after = state + question.amount
    if answer is None:
        return (after, state)
    return (after,) if after == answer else ()


operations = st.lists(
    st.builds(
        lambda amount, answer, began, lasted: Operation(1, Add(amount), answer, began, began + lasted),
        st.integers(0, 1),
        st.sampled_from([0, 1, 2, 3, None]),
        st.integers(0, 4),
        st.integers(0, 3),
    ),
    max_size=5,
)


def exists(history: list[Adding]) -> bool:
    """Try all orders."""
    return any(_is_right(list(order)) for order in permutations(history))


def _is_right(order: list[Adding]) -> bool:
    if any(later.ended < earlier.began for n, earlier in enumerate(order) for later in order[n + 1 :]):
        return False
    states = {0}
    for operation in order:
        states = {after for state in states for after in register(state, operation.question, operation.answer)}
    return bool(states)


@given(operations)
def test_it_finds_an_order_if_and_only_if_one_of_all_orders_is_right(history: list[Adding]) -> None:
    assert (check(0, history, register).state is not None) == exists(history)


def test_a_read_that_misses_a_write_that_ended_before_is_wrong() -> None:
    written = Entry("company-1", 1, "CompanyFunded", 5)
    fund: Asked = Operation(1, Fund("company-1", 5), Recorded(0, (written,)), 1, 2)
    stale: Asked = Operation(2, Look("company-1"), Seen(0, 0), 3, 4)
    meanwhile: Asked = Operation(2, Look("company-1"), Seen(0, 0), 1.5, 4)
    verdict = check(EMPTY, [fund, stale], model)
    assert verdict.state is None
    assert "after 1 of 2 operations" in verdict.stuck
    assert check(EMPTY, [fund, meanwhile], model).state == (written,)


def test_a_position_that_another_event_has_is_wrong() -> None:
    first, second = (Entry("company-1", version, "CompanyFunded", 5) for version in (1, 2))
    one: Asked = Operation(1, Fund("company-1", 5), Recorded(0, (first,)), 1, 2)
    twice: Asked = Operation(2, Fund("company-1", 5), Recorded(0, (first,)), 1, 2)
    after: Asked = Operation(2, Fund("company-1", 5), Recorded(1, (second,)), 1, 2)
    assert check(EMPTY, [one, twice], model).state is None
    assert check(EMPTY, [after, one], model).state == (first, second)
