"""`python -m benchmarks.soak --minutes 60`: writes docs/soak.json and docs/soak.svg."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.report import say
from benchmarks.server import environment_of, manage
from benchmarks.soak.chart import Panel, chart
from benchmarks.soak.load import FIRST_DATE, Client, Follower, Portfolio, wait_until_served
from benchmarks.soak.processes import LEFT_ALONE, SEAL_KEY, Processes
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import OWNER, as_role

CLIENTS: Final = 8
SAMPLE_S: Final = 10
_THAWS: Final = 0.2
"""How likely all that is frozen is let go on, each half second."""


@dataclass(slots=True)
class Samples:
    """What was measured, each with the seconds since the beginning."""

    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    lag: list[tuple[float, float]] = field(default_factory=list)
    latencies: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    harms: list[tuple[float, str]] = field(default_factory=list)


class Soak:
    """One run: load, business dates, harms and samples, until the time is over."""

    def __init__(self, processes: Processes, clients: Sequence[Client], seconds: float, seed: int) -> None:
        self._processes, self._clients, self._seconds = processes, clients, seconds
        self._chance, self.samples = Random(seed), Samples()
        self._seen = [0] * len(clients)
        self.business_date = FIRST_DATE
        self._began = time.monotonic()

    def run(self) -> None:
        """Run until the time is over."""
        now = next_harm = next_sample = next_date = 0.0
        while now < self._seconds:
            self._processes.start()
            if now >= next_harm:
                self.samples.harms.append((now, self._processes.harm()))
                next_harm = now + self._chance.uniform(4, 16)
            if now >= next_date:
                self._begin_a_date()
                next_date = now + 20
            if now >= next_sample:
                self._sample(now)
                next_sample = now + SAMPLE_S
            time.sleep(0.5)
            if self._chance.random() < _THAWS:
                self._processes.thaw()
            now = time.monotonic() - self._began
        self._processes.thaw()
        self._processes.start()

    def _begin_a_date(self) -> None:
        from django.db import Error, connection

        from ledger.daily_cycle import cycle

        try:
            cycle(self.business_date)
            self.business_date += timedelta(days=1)
        except Error:
            connection.close()

    def _sample(self, now: float) -> None:
        for name, used in self._processes.memory().items():
            self.samples.memory.setdefault(name, []).append((now, used))
        lag = lag_of_consumers()
        if lag is not None:
            self.samples.lag.append((now, lag))
        newest: list[float] = []
        for number, client in enumerate(self._clients):
            newest += client.noted.latencies_ms[self._seen[number] :]
            self._seen[number] = len(client.noted.latencies_ms)
        if len(newest) > 1:
            cuts = statistics.quantiles(newest, n=100)
            for name, value in (("median", cuts[49]), ("99 in 100", cuts[98])):
                self.samples.latencies.setdefault(name, []).append((now, value))


def lag_of_consumers() -> int | None:
    """Return how many events the slowest consumer is behind; None if the database is away."""
    from django.db import Error, connection

    from eventstore import store
    from eventstore.models import Checkpoint

    try:
        positions = Checkpoint.objects.exclude(kind="rebuild").values_list("position", flat=True)
        return store.head().position - min(positions, default=0)
    except Error:
        connection.close()
        return None


def prepare() -> Portfolio:
    """Make companies with money, accounts, and products that are overdue from the first date on."""
    from tests.support.ledger.book import Book
    from tests.support.ledger.portfolio import new_account, new_company

    companies = [new_company("100000.00") for _ in range(6)]
    accounts = [(company, new_account(company)) for company in companies for _ in range(2)]
    return Portfolio(companies, accounts, [product.uuid for product in Book().invoices(30, FIRST_DATE)])


def token_of(environment: dict[str, str]) -> str:
    """Return a token of a client with every permission."""
    command = [sys.executable, "manage.py", "create_api_client", "soak", "--all-commands", "--token"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def check(clients: Sequence[Client], environment: dict[str, str], follower: Follower | None = None) -> dict[str, Any]:
    """Verify everything; raise if anything is wrong."""
    from eventstore import store
    from eventstore.models import RecordedKey

    deadline = time.monotonic() + 300
    while lag_of_consumers() != 0:
        assert time.monotonic() < deadline, "the consumers do not catch up"
        time.sleep(0.5)
    acknowledged = {key: position for client in clients for key, position in client.noted.acknowledged.items()}
    recorded = dict(RecordedKey.objects.values_list("key", "last_position"))
    assert acknowledged == recorded, "what was acknowledged is not what was recorded"
    seen = set(follower.seen if follower else ())
    log = ((one.position, one.stream_id, one.version, one.recorded_at.isoformat()) for one in store.read_all())
    assert not seen.difference(log), "what was read is not what the log holds"
    fees = Counter((event.stream_id, event.data.business_date) for event in store.read_all(types=["LateFeeIncurred"]))
    assert max(fees.values(), default=1) == 1, "a late fee was charged twice"
    verified = {}
    for command in ("verify_eventstore", "verify_ledger"):
        done = subprocess.run(
            [sys.executable, "manage.py", command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        verified[command] = done.stdout.strip().splitlines()[-1]
    return {
        "events": store.head().position,
        "acknowledged": len(acknowledged),
        "read while it ran": len(seen),
        "late fees": len(fees),
        **verified,
    }


def summary(soak: Soak, clients: Sequence[Client], found: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of the run."""
    latencies = sorted(one for client in clients for one in client.noted.latencies_ms)
    cuts = statistics.quantiles(latencies, n=100)
    samples = soak.samples
    return {
        **found,
        "business dates": (soak.business_date - FIRST_DATE).days,
        "refused": sum(client.noted.refused for client in clients),
        "asked again": sum(client.noted.repeated for client in clients),
        "harms": dict(sorted(Counter(name for _, name in samples.harms).items())),
        "milliseconds until the answer to a first attempt": {
            "median": round(cuts[49], 1),
            "99 in 100": round(cuts[98], 1),
            "greatest": round(latencies[-1]),
        },
        "greatest lag": max(lag for _, lag in samples.lag),
        "memory MiB": {name: _growth(line) for name, line in samples.memory.items()},
    }


def _growth(line: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return what a process typically holds in the first and the last quarter, and the growth between them."""
    values = [value for _, value in line]
    first, last = (statistics.median(part or [0]) for part in (values[: len(line) // 4], values[-len(line) // 4 :]))
    return {
        "first quarter": round(first, 1),
        "last quarter": round(last, 1),
        "growth in 100": round(100 * last / max(first, 1) - 100, 1),
    }


def draw(samples: Samples, seconds: float, file: Path) -> None:
    """Write the chart."""
    memory = samples.memory
    panels = [
        Panel("Memory in MiB, killed", {name: line for name, line in memory.items() if not name.endswith(LEFT_ALONE)}),
        Panel(
            "Memory in MiB, left alone",
            {name.removesuffix(LEFT_ALONE): line for name, line in memory.items() if name.endswith(LEFT_ALONE)},
        ),
        Panel("Lag of the slowest consumer in events", {"lag": samples.lag}),
        Panel("Latency of answers in ms", samples.latencies),
    ]
    file.write_text(chart(panels, [at for at, _ in samples.harms], seconds), encoding="utf-8")


def main() -> None:
    """Run the soak."""
    parser = argparse.ArgumentParser(description="Runs mixed load with random kills, and verifies everything.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two requests of a client")
    parser.add_argument("--chart", type=Path, default=Path("docs/soak.svg"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Cluster(durable=True) as cluster:
        cluster.create_database("daybook")
        url = cluster.url("daybook")
        manage(as_role(url, OWNER), "migrate", "--verbosity", "0")
        os.environ.update(environment_of(url, {"SEAL_KEY": SEAL_KEY}))
        import django

        django.setup()
        processes = Processes(cluster, url, Path(folder), options.seed)
        portfolio, token, stop = prepare(), token_of(processes.environment), threading.Event()
        clients = [Client(number, token, portfolio, stop, options.pause) for number in range(CLIENTS)]
        processes.start()
        try:
            wait_until_served()
            for client in clients:
                client.start()
            follower = Follower(token, stop)
            follower.start()
            soak = Soak(processes, clients, options.minutes * 60, options.seed)
            soak.run()
            stop.set()
            for client in clients:
                client.join(timeout=300)
            draw(soak.samples, options.minutes * 60, options.chart)
            faults = [*processes.faults, *(fault for client in clients for fault in client.noted.faults)]
            assert not faults, faults[:5]
            follower.join(timeout=60)
            found = check(clients, processes.environment, follower)
        finally:
            processes.end()
    asked = {"seed": options.seed, "minutes": options.minutes, "pause": options.pause}
    run = {"date": f"{datetime.now(UTC):%Y-%m-%d}", **asked}
    text = json.dumps(run | summary(soak, clients, found), indent=1)
    options.chart.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")
    say(text)


if __name__ == "__main__":
    main()
