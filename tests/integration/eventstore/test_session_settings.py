"""Each session setting on which a guarantee rests is read back, and reported with its remedy if it is wrong."""

import pytest
from django.db import connection
from django.test import override_settings

from eventstore.runtime.session_settings import broken_guarantees
from tests.support.databases import Database

WRONG = {
    "idle_in_transaction_session_timeout": ("0", "'0'", "10000ms"),
    "eventstore.append_lock_timeout": ("1h", "'3600000'", "10000ms"),
    "eventstore.append_lock_idle_timeout": ("1h", "'3600000'", "2000ms"),
    "statement_timeout": ("50ms", "'50'", "0"),
    "lock_timeout": ("50ms", "'50'", "0"),
    "synchronous_commit": ("off", "'off'", "on"),
    "default_transaction_isolation": ("serializable", "'serializable'", "read committed"),
    "default_transaction_read_only": ("on", "'on'", "off"),
    "DateStyle": ("German", "'German, DMY'", "ISO"),
    "TimeZone": ("Asia/Tokyo", "'Asia/Tokyo'", "UTC"),
    "client_encoding": ("LATIN1", "'LATIN1'", "UTF8"),
    "client_min_messages": ("error", "'error'", "notice"),
}


@pytest.fixture(autouse=True)
def _defaults() -> object:
    with override_settings(
        IDLE_IN_TRANSACTION_TIMEOUT_MS=10_000, APPEND_LOCK_TIMEOUT_MS=10_000, APPEND_LOCK_IDLE_TIMEOUT_MS=2_000
    ):
        yield


def test_every_wrong_setting_is_reported_with_the_statement_that_mends_it(database: Database) -> None:
    if database.vendor == "sqlite":
        assert broken_guarantees("default") == []
        return
    with connection.cursor() as cursor:
        cursor.execute("SET eventstore.append_lock_idle_timeout = '2s'")
        assert broken_guarantees("default") == []
        for name, (wrong, _, _) in WRONG.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, wrong])
    faults = broken_guarantees("default")
    assert len(faults) == len(WRONG)
    for name, (_, shown, right) in WRONG.items():
        [fault] = [one for one in faults if f": {name} is " in one]
        assert fault.endswith(
            f": {name} is {shown} on the database 'default'; run ALTER ROLE daybook_app SET {name} = '{right}'"
        )


def test_a_setting_that_a_pooler_dropped_counts_with_its_default(database: Database) -> None:
    if database.vendor == "sqlite":
        pytest.skip("SQLite has no session settings")
    with connection.cursor() as cursor:
        for name in ("append_lock_timeout", "append_lock_idle_timeout"):
            cursor.execute("SELECT set_config(%s, '', false)", [f"eventstore.{name}"])
    assert broken_guarantees("default") == []
    with override_settings(APPEND_LOCK_TIMEOUT_MS=500, APPEND_LOCK_IDLE_TIMEOUT_MS=500):
        waits, holds = broken_guarantees("default")
    assert "an append may wait too long for the append lock: eventstore.append_lock_timeout is '10000'" in waits
    assert "a frozen process keeps the append lock: eventstore.append_lock_idle_timeout is '2000'" in holds
