"""A process that appends, one event after another, and says which appends were acknowledged.

`python -m tests.support.appender NUMBER [STREAM]`: to streams of its own, or all to one whose version it expects.
"""

import sys
from uuid import uuid4

import django

django.setup()

from eventstore import store  # noqa: E402 - Django comes first
from eventstore.errors import WrongExpectedVersion  # noqa: E402
from eventstore.records import NO_STREAM, Context, NewEvent  # noqa: E402
from tests.contracts.events import ParcelRegistered  # noqa: E402


def main(number: int, shared: str | None) -> None:
    """Append and print `<position> <name>` for each that was acknowledged."""
    context = Context("appender", "tests")
    for _ in range(number):
        name = str(uuid4())
        stream = shared or f"parcel-{name}"
        while True:
            newest = next(store.read_stream(stream, backwards=True, limit=1), None) if shared else None
            version = newest.version if newest else NO_STREAM
            try:
                event = NewEvent(stream, ParcelRegistered(name))
                appended = store.append([event], context, expected={stream: version})
            except WrongExpectedVersion:
                continue
            break
        sys.stdout.write(f"{appended.position} {name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
