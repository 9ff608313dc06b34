"""The environment of Django's settings in the tests, which does not depend on the shell."""

import os

from tests.support import shared


def prepare(vendor: str, url: str) -> None:
    """Set what the settings read; `url` is only a placeholder of the right vendor, for each test gets its own."""
    shared.begin()
    for name in ("READ_DATABASE_URL", "LOG_REPLICA_URL", "BUSINESS_TIME_ZONE", "ALLOWED_HOSTS"):
        os.environ.pop(name, None)
    os.environ.update(
        DAYBOOK_TEST_VENDOR=vendor,
        DATABASE_URL=url,
        SECRET_KEY="for-tests-only",
        DEBUG="false",
        HYDRATION_DELAY="0",
        HYDRATION_DELAY_ENTROPY="0",
        # A slow machine must not end a transaction of a test that holds the append lock on purpose.
        APPEND_LOCK_IDLE_TIMEOUT="60000",
    )
