"""How fast aggregates are loaded and typed events are read, against pyeventsourcing on the same server, in turn.

`python -m benchmarks.aggregates [--rounds N]`; it takes a minute.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from benchmarks.page.figures import record
from benchmarks.report import Ratio, say
from benchmarks.server import environment_of, execute, server

SHORT, LONG, LOG = 50, 10_000, 5_000


def ours() -> dict[str, Callable[[], object]]:
    """Return what Daybook is measured by."""
    import django

    django.setup()
    from eventstore import store
    from eventstore.log import cache
    from eventstore.records import Context, NewEvent
    from ledger import states
    from ledger.rules.events import CompanyRegistered, CompanyRenamed

    def company(events: int) -> UUID:
        uuid = uuid4()
        data: list[object] = [CompanyRegistered("0"), *(CompanyRenamed(str(number)) for number in range(1, events))]
        for first in range(0, events, 1000):
            some = [NewEvent(f"company-{uuid}", one) for one in data[first : first + 1000]]
            store.append(some, Context("benchmark", "benchmark"))
        return uuid

    short, long = company(SHORT), company(LONG)
    states.company(long)  # it keeps the snapshots

    def cold(uuid: UUID) -> None:
        cache.clear_all()
        assert states.company(uuid).version in {SHORT, LONG}

    def typed() -> None:
        assert sum(event.data is not None for event in store.read_all(limit=LOG)) == LOG

    return {
        "load": lambda: cold(short),
        "snapshot": lambda: cold(long),
        "cache": lambda: states.company(long),
        "typed": typed,
    }


def theirs(url: str) -> dict[str, Callable[[], object]]:
    """Return what pyeventsourcing is measured by: an aggregate of as many events with as much in each."""
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Company(Aggregate):  # type: ignore[misc,unused-ignore] # the library is installed for benchmarks only
        """A company with a name."""

        @event("Registered")  # type: ignore[untyped-decorator,unused-ignore]
        def __init__(self, name: str) -> None:
            self.name = name

        @event("Renamed")  # type: ignore[untyped-decorator,unused-ignore]
        def rename(self, name: str) -> None:
            """Give it another name."""
            self.name = name

    parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(url)
    names = {"DBNAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    environment = {f"POSTGRES_{name}": str(parameters.get(key) or "") for name, key in names.items()}
    application = Application[UUID](env={"PERSISTENCE_MODULE": "eventsourcing.postgres", **environment})

    def company(events: int) -> UUID:
        made = Company("0")
        for number in range(1, events):
            made.rename(str(number))
        application.save(made)
        uuid: UUID = made.id
        return uuid

    short = company(SHORT)
    for _ in range(LOG // 100):
        company(100)

    def load() -> None:
        assert application.repository.get(short).version == SHORT

    def typed() -> None:
        start, read = 1, 0
        while read < LOG:
            found = application.recorder.select_notifications(start=start, limit=1000)
            read += sum(application.mapper.to_domain_event(one) is not None for one in found)
            start = found[-1].id + 1
            assert found

    return {"load": load, "typed": typed}


def milliseconds(act: Callable[[], object], times: int) -> float:
    """Return how long it takes once."""
    began = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - began) / times * 1000


def measure(rounds: int) -> None:
    """Measure in turn, in this process."""
    acts = {("ours", name): act for name, act in ours().items()}
    acts |= {("theirs", name): act for name, act in theirs(os.environ["DATABASE_URL"]).items()}
    figures: dict[tuple[str, str], list[float]] = {which: [] for which in acts}
    for which, act in acts.items():
        milliseconds(act, 2 if which[1] == "typed" else 20)
    execute(os.environ["DATABASE_URL"], "VACUUM ANALYZE")  # as autovacuum does to tables in use
    for _ in range(rounds):
        for which, act in acts.items():
            figures[which].append(milliseconds(act, 1 if which[1] == "typed" else 50))
    of = {which: statistics.median(found) for which, found in figures.items()}
    for name, title in (("load", f"an aggregate of {SHORT} events"), ("typed", f"{LOG:,} typed events")):
        ratio = Ratio.of(figures["theirs", name], figures["ours", name])
        say(f"{title}: {of['ours', name]:.2f} ms, pyeventsourcing {of['theirs', name]:.2f} ms: {ratio} as fast")
    for name, kept in ((f"aggregate-{LONG}", "snapshot"), ("aggregate-cached", "cache")):
        record(name, "ms", figures["ours", kept])
    record(f"aggregate-{SHORT}", "ms", figures["ours", "load"], {"pyeventsourcing": figures["theirs", "load"]})
    rates = {whose: [LOG / each * 1000 for each in figures[whose, "typed"]] for whose in ("ours", "theirs")}
    record("typed-events", "/s", rates["ours"], {"pyeventsourcing": rates["theirs"]})
    say(f"an aggregate of {LONG:,} events, from its snapshot: {of['ours', 'snapshot']:.2f} ms")
    say(f"the same from the cache: {of['ours', 'cache']:.2f} ms")


def main() -> None:
    """Measure in a process of its own, on a server that flushes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.within:
        measure(arguments.rounds)
        return
    with server() as url:
        command = [sys.executable, "-m", "benchmarks.aggregates", "--within", "--rounds", str(arguments.rounds)]
        path = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
        subprocess.run(command, check=True, env=environment_of(url, {"PYTHONPATH": path}))


if __name__ == "__main__":
    main()
