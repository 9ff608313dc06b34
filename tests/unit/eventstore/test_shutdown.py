"""A process that is asked to end wakes from every wait."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from eventstore.runtime.shutdown import Stop

MANY = 1200


@pytest.fixture
def many_descriptors() -> Iterator[int]:
    """Open so many descriptors that the next ones are above 1023, which `select` does not accept."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 100:
        pytest.skip(f"this user may open only {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + 100), hard))
    with ExitStack() as opened:
        for _ in range(MANY):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        yield MANY
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_a_sleep_works_with_more_than_1024_open_descriptors() -> None:
    stop = Stop()
    reader, writer = os.pipe()
    assert reader > 1023
    stop.wait(0.01, reader)
    os.write(writer, b"x")
    stop.wait(3600, reader)
    stop.ask()
    stop.wait(3600)
    os.close(reader)
    os.close(writer)
