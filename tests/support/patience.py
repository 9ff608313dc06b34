"""How long a test waits for what must happen."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE_S: Final = 300
"""Far longer than the slowest machine takes, so that it decides no outcome but that of a hang.

It is the one time-out of all tests. pytest's own limit, in pyproject.toml, is longer than any test waits in all.
"""


def wait_until(condition: Callable[[], object], *, every: float = 0.02) -> None:
    """Return as soon as the condition is true; fail the test if it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            message = f"not so within {PATIENCE_S} s: {getattr(condition, '__name__', condition)}"
            raise AssertionError(message)
        time.sleep(every)
