"""One side of a comparison of two commits: measures what it is asked to, in the tree that it runs in.

It reads the name of a figure from each line of standard input and prints its microseconds of processor time: of this
process, and of the server process that works for it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

import psutil

from benchmarks.requests.caller import Caller

_MANY = 5000


def append(events: int) -> None:
    """Append so many events, each to a stream of its own."""
    from eventstore import store
    from eventstore.records import Context, NewEvent
    from ledger.rules.events import AssetRegistered

    data = AssetRegistered(Decimal("1250.00"), "USD", UUID(int=1), UUID(int=2), "invoice 2026-000123")
    streams = [f"asset-{uuid4()}" for _ in range(events)]
    context = Context("benchmark", "benchmark")
    store.append([NewEvent(stream, data) for stream in streams], context, expected=dict.fromkeys(streams, 0))


def long_company(events: int) -> UUID:
    """Return a company with so many events."""
    from eventstore import store
    from eventstore.records import Context, NewEvent
    from ledger.rules.events import CompanyRegistered, CompanyRenamed

    uuid = uuid4()
    data: list[object] = [CompanyRegistered("Name"), *(CompanyRenamed(f"Name {number}") for number in range(1, events))]
    store.append([NewEvent(f"company-{uuid}", one) for one in data], Context("benchmark", "benchmark"))
    return uuid


def figures() -> dict[str, tuple[Callable[[], object], int]]:
    """Return what can be measured: what is done, and how often in one measurement."""
    from settings.wsgi import application  # isort: skip # it sets Django up

    from eventstore import store
    from eventstore.log import cache
    from ledger import clients, states
    from ledger.names import COMMANDS, permission

    token = clients.token(clients.create(f"benchmark {uuid4()}", map(permission, COMMANDS)))
    caller, fifty = Caller(application, token), long_company(50)

    def load() -> None:
        cache.clear_all()
        states.company(fifty)

    def look() -> None:
        states.company(fifty)

    def typed() -> None:
        for event in store.read_all(limit=_MANY):
            event.data  # noqa: B018 - it decodes and checks the payload

    for _ in range(_MANY // 100):
        append(100)
    return {
        "append of 1 event": (lambda: append(1), 300),
        "append of 100 events": (lambda: append(100), 20),
        "load of 50 events": (load, 100),
        "load from the cache": (look, 300),
        f"{_MANY} typed events of read_all": (typed, 2),
        "GET company": (caller.get, 150),
        "grant": (caller.grant, 100),
    }


def processor_time() -> float:
    """Return the seconds of processor time of this process and of its server process."""
    from django.db import connection

    server = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return time.process_time() + server.user + server.system


def main() -> None:
    """Prepare, print the names of the figures, and measure each that is asked for."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the lines of the requests
    known = figures()
    for act, times in known.values():
        for _ in range(max(1, times // 10)):
            act()
    sys.stdout.write(json.dumps(list(known)) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        act, times = known[line.strip()]
        began = processor_time()
        for _ in range(times):
            act()
        sys.stdout.write(f"{(processor_time() - began) / times * 1e6}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
