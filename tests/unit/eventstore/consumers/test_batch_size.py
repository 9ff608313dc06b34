"""The size of a consumer's transaction follows its duration."""

import time

from eventstore.consumers.batch_size import BatchSize, Rate


def test_a_long_transaction_is_followed_by_a_smaller_one() -> None:
    size = BatchSize(800, 1000)
    size.adapt(0.4, 800)
    assert size.limit == 160


def test_a_busy_machine_makes_no_transaction_tiny() -> None:
    size = BatchSize(200, 1000)
    for _ in range(5):
        size.adapt(0.9, 3)
    assert size.limit == 100
    size.adapt(1.1, 100)
    assert size.limit == 7
    size.adapt(0.2, 7)
    assert size.limit == 7


def test_the_limit_never_shrinks_below_one() -> None:
    size = BatchSize(200, 1000)
    size.adapt(1000, 200)
    assert size.limit == 1


def test_a_short_transaction_is_followed_by_a_larger_one_up_to_the_bound() -> None:
    size = BatchSize(200, 700)
    size.adapt(0.01, 200)
    assert size.limit == 400
    size.adapt(0.01, 400)
    assert size.limit == 700


def test_a_transaction_that_was_not_full_does_not_raise_the_limit() -> None:
    size = BatchSize(200, 700)
    size.adapt(0.001, 3)
    assert size.limit == 200


def test_the_bound_holds_from_the_start() -> None:
    assert BatchSize(200, 5).limit == 5


def test_a_rate_counts_events_per_second_and_starts_again_at_zero() -> None:
    rate = Rate()
    time.sleep(0.01)
    assert 0 < rate.add(10) <= 1000
    rate.reset()
    assert rate.value == 0
