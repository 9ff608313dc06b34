"""A JetStream of three nodes, which the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.support.receivers import jetstream
from tests.support.receivers.jetstream import Nodes


@pytest.fixture(scope="package")
def nodes() -> Iterator[Nodes]:
    """Return the running nodes."""
    with jetstream.running(3) as running:
        running.wait("first")
        yield running
