"""Measures how fast balances catch up, against the runner of pyeventsourcing, in turn, in one run.

`python -m benchmarks.catching_up [--events N] [--peer-events N] [--rounds N]`

Each catches up over a log of its own in the same database, from an empty read model, its start included. The peer's log
is shorter, because it takes one transaction for each event.
"""

import argparse
import subprocess
import sys
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from benchmarks.page.figures import record
from benchmarks.projectors import FILL, FORGET, UNCHECKED, catch_up
from benchmarks.report import Ratio, say, spread
from benchmarks.server import environment_of, execute, server

PEER_FORGET = (
    "DROP TABLE IF EXISTS peer_balance, notification_tracking, balances_notification_tracking, balances_tracking"
)


def peer(url: str, act: str, number: int) -> list[float]:
    """Let the peer fill its log, or project it; return what it prints."""
    parameters: dict[str, Any] = conninfo_to_dict(url)
    environment = environment_of(
        url,
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parameters["dbname"],
            "POSTGRES_HOST": parameters["host"],
            "POSTGRES_PORT": "5432",
            "POSTGRES_USER": parameters["user"],
            "POSTGRES_PASSWORD": "none",
        },
    )
    command = [sys.executable, "-m", "benchmarks.catching_up.peer", act, str(number)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [float(figure) for figure in done.stdout.split()]


def main() -> None:
    """Fill both logs, and let both catch up in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--peer-events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours, theirs = [], []
    with server() as url:
        execute(url, UNCHECKED, FILL.format(number=arguments.events), "VACUUM ANALYZE eventstore_event")
        peer(url, "fill", arguments.peer_events)
        for _ in range(arguments.rounds):
            execute(url, FORGET)
            ours.append(arguments.events / catch_up(url, "balances")[0])
            execute(url, PEER_FORGET)
            theirs.append(arguments.peer_events / peer(url, "project", arguments.peer_events)[0])
    record("catch-up-balances", "/s", ours, {"pyeventsourcing": theirs})
    say(f"daybook {spread(ours)} events/s, pyeventsourcing {spread(theirs)} events/s: {Ratio.of(ours, theirs)}")


if __name__ == "__main__":
    main()
