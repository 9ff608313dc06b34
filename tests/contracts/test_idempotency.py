"""A command deletes old idempotency keys, never a younger one, and does not block appends."""

from datetime import datetime, timedelta

import pytest

from eventstore import store
from eventstore.clock import utc_now
from eventstore.log import idempotency as keys
from eventstore.models import RecordedKey
from eventstore.records import IdempotencyKey
from tests.contracts.events import append, parcel, registered
from tests.support.databases import Database, connected_as
from tests.support.ledger.portfolio import together
from tests.support.postgres.roles import OWNER
from tests.support.processes import RunManage

pytestmark = pytest.mark.usefixtures("database")


def recorded(key: str, age: timedelta) -> IdempotencyKey:
    """Append an event under a key, and give the key this age."""
    made = IdempotencyKey("robot:fund-parcel", key, "a body")
    append(registered(parcel()), key=made)
    with connected_as(OWNER):
        RecordedKey.objects.filter(key=key).update(recorded_at=utc_now() - age)
    return made


def left() -> list[str]:
    return sorted(RecordedKey.objects.values_list("key", flat=True))


def soon() -> datetime:
    return utc_now() + timedelta(minutes=1)


def test_only_keys_older_than_their_lifetime_expire(run_manage: RunManage) -> None:
    for key, age in (("new", timedelta()), ("young", timedelta(days=7, hours=-1)), ("old", timedelta(days=7, hours=1))):
        recorded(key, age)
    done = run_manage("expire_idempotency_keys", env={"IDEMPOTENCY_KEY_LIFETIME": "7"})
    assert done.stdout == "1 idempotency keys older than 7 days have expired\n"
    assert left() == ["new", "young"]
    assert store.head().position == 3
    run_manage("expire_idempotency_keys")
    assert left() == ["new", "young"]


def test_a_key_that_has_expired_can_be_used_again() -> None:
    key = recorded("old", timedelta(days=31))
    assert store.recorded_under(key) is not None
    assert list(keys.expire(soon())) == [1]
    assert store.recorded_under(key) is None
    assert append(registered(parcel()), key=key).repeated is False


def test_keys_expire_in_batches_from_the_oldest() -> None:
    for number in range(5):
        recorded(f"{number}", timedelta(days=50 - number))
    seen = [(deleted, left()) for deleted in keys.expire(soon(), batch_size=2)]
    assert seen == [(2, ["2", "3", "4"]), (2, ["4"]), (1, [])]


def test_an_append_is_not_blocked_between_two_batches(database: Database) -> None:
    recorded("first", timedelta(days=2))
    recorded("second", timedelta(days=1))
    expiring = keys.expire(soon(), batch_size=1)
    next(expiring)
    key = IdempotencyKey("robot:fund-parcel", "another", "a body")
    [appended] = together(lambda: append(registered(parcel()), key=key))
    assert not isinstance(appended, Exception)
    assert list(expiring) == [1, 1]
