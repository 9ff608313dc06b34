"""One ledger of a comparison: does what it is asked to, and says what each time of it took.

It reads the name of a figure from each line of standard input and prints two numbers as JSON, in microseconds for each
time: how long it took, and the processor time of this process and of the server process that works for it.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from typing import Any, Final
from uuid import UUID, uuid4

import psutil

from benchmarks.report import say
from benchmarks.requests.caller import Caller

_PLACES: Final = 200
"""Products and companies that are asked for in turn, evenly over the log."""
_STEP: Final = 100
"""Events of one step of a consumer."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What is done, how often in one measurement, and what must be there before each time."""

    act: Callable[[], object]
    times: int
    prepare: Callable[[], object] | None = None


def _evenly(kind: str) -> Iterator[Any]:
    """Yield the uuids of the entities that events of a type began, evenly over the log, again and again."""
    from eventstore import store

    head = store.head().position
    found: list[UUID] = []
    for place in range(_PLACES):
        event = next(store.read_all(types=[kind], after=head * place // _PLACES, limit=1), None)
        if event is not None:
            found.append(event.uuid)
    return cycle(found)


def figures() -> dict[str, Figure]:
    """Return what can be measured."""
    from settings.wsgi import application  # isort: skip # it sets Django up

    from eventstore import store
    from eventstore.consumers.loop import catch_up
    from eventstore.log import cache
    from eventstore.records import Context, NewEvent
    from ledger import clients, states
    from ledger.names import COMMANDS, VIEW, permission
    from ledger.rules.events import AssetRegistered, CompanyFunded
    from projectors.explain.figures import Cut
    from projectors.explain.product import explain_product

    token = clients.token(clients.create(f"benchmark {uuid4()}", [*map(permission, COMMANDS), VIEW]))
    caller = Caller(application, token)
    products, companies = _evenly("ProductOriginated"), _evenly("CompanyRegistered")
    context = Context("benchmark", "benchmark")
    asset = AssetRegistered(Decimal("1250.00"), "USD", UUID(int=1), UUID(int=2), "invoice 2026-000123")

    def append() -> None:
        stream = f"asset-{uuid4()}"
        store.append([NewEvent(stream, asset)], context, expected={stream: 0})

    def load() -> None:
        cache.clear_all()
        states.product(next(products))

    def explain() -> None:
        explain_product(next(products), Cut(store.head().position))

    def fund() -> None:
        money = CompanyFunded(Decimal("1.00"), "USD", "benchmark")
        for _ in range(_STEP):
            store.append([NewEvent(f"company-{next(companies)}", money)], context)

    def step(name: str) -> Figure:
        return Figure(lambda: catch_up(name), 1, fund)

    catch_up("balances", "journal")
    return {
        "append": Figure(append, 200),
        "load of a stream": Figure(load, 100),
        "list page": Figure(lambda: caller.list("products"), 20),
        "grant": Figure(caller.grant, 40),
        "explain": Figure(explain, 30),
        f"balances, {_STEP} events": step("balances"),
        f"journal, {_STEP} events": step("journal"),
    }


def processor_time() -> float:
    """Return the seconds of processor time of this process and of its server process."""
    from django.db import connection

    connection.ensure_connection()
    server = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return time.process_time() + server.user + server.system


def measured(figure: Figure) -> tuple[float, float]:
    """Return how long a figure takes and what it computes, in microseconds for each time."""
    if figure.prepare is not None:
        figure.prepare()
    began, before = time.perf_counter(), processor_time()
    for _ in range(figure.times):
        figure.act()
    computed, taken = processor_time() - before, time.perf_counter() - began
    return taken / figure.times * 1e6, computed / figure.times * 1e6


def main() -> None:
    """Prepare, print the names of the figures, and measure each that is asked for."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the lines of the requests
    known = figures()
    for figure in known.values():
        measured(figure)
    say(json.dumps(list(known)))
    for line in sys.stdin:
        say(json.dumps(measured(known[line.strip()])))


if __name__ == "__main__":
    main()
