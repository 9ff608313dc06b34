"""The settings of the event store, and the values that they have in a project that does not name them."""

from typing import Any, Final

DEFAULTS: Final[dict[str, Any]] = {
    "AGGREGATE_CACHE_SIZE": 10_000,
    "APPEND_LOCK_IDLE_TIMEOUT_MS": 2000,
    "APPEND_LOCK_TIMEOUT_MS": 10_000,
    "APPEND_MAX_BYTES": 67_108_864,
    "COMMAND_MAX_ATTEMPTS": 5,
    "CONSUMER_BATCH_SIZE": 1000,
    "CONSUMER_RANGE_SIZE": 50_000,
    "CONSUMER_POLL_INTERVAL_MS": 500,
    "HYDRATION_DELAY_ENTROPY_MS": 100,
    "HYDRATION_DELAY_MS": 1000,
    "IDEMPOTENCY_KEY_LIFETIME_DAYS": 30,
    "IDLE_IN_TRANSACTION_TIMEOUT_MS": 10_000,
    "LEDGER_HOME": "",
    "LOG_REPLICA": "",
    "LOG_REPLICA_WAIT_MS": 200,
    "PAYLOAD_MAX_BYTES": 4_194_304,
    "PREPARED_STATEMENTS": True,
    "READ_DATABASE": "default",
    "SEAL_KEY": None,
    "SEAL_PUBLIC_KEYS": (),
}


def complete(settings: Any) -> None:
    """Give each setting that the project does not name its value."""
    for name, value in DEFAULTS.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
