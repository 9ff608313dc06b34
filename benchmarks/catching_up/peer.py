"""Balances as pyeventsourcing projects them: an aggregate for each account, and a row that each of its events changes.

`python -m benchmarks.catching_up.peer fill N` appends the events. `… project N` runs the projection over them and
prints the seconds and the processor time of the process.
"""

# The library is installed for `make bench` only, so that mypy does not know its types.
# mypy: disable-error-code="misc, untyped-decorator"

import sys
import time
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

_EACH = 20
"""Events of each account, the first of which opens it."""


class Account(Aggregate):
    """An account and its balance."""

    def __init__(self) -> None:
        self.balance = 0

    @event("Funded")
    def fund(self, amount: int) -> None:
        """Add an amount in minor units."""
        self.balance += amount


class Ledger(Application[UUID]):
    """The application whose events are projected."""


class BalanceView(PostgresTrackingRecorder):
    """The rows, and the position up to which they go."""

    def __init__(self, datastore: PostgresDatastore, **more: Any) -> None:
        super().__init__(datastore, **more)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS peer_balance (uuid uuid PRIMARY KEY, balance bigint)").format()
        )

    def add(self, uuid: UUID, amount: int, tracking: Tracking) -> None:
        """Add an amount to a row and move the position, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO peer_balance VALUES (%s, %s) ON CONFLICT (uuid)"
                " DO UPDATE SET balance = peer_balance.balance + excluded.balance",
                (uuid, amount),
                prepare=True,
            )


class Balances(Projection[BalanceView]):
    """The projection."""

    name = "balances"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Add what the event adds."""
        self.view.add(domain_event.originator_id, getattr(domain_event, "amount", 0), tracking)


def fill(number: int) -> None:
    """Append so many events."""
    ledger = Ledger()
    for _ in range(number // _EACH):
        account = Account()
        for _ in range(_EACH - 1):
            account.fund(1250)
        ledger.save(account)


def project(number: int) -> None:
    """Run the projection until it has processed so many events."""
    began, used = time.perf_counter(), time.process_time()
    with ProjectionRunner(application_class=Ledger, projection_class=Balances, view_class=BalanceView) as runner:
        runner.wait(number // _EACH * _EACH, timeout=600)
    sys.stdout.write(f"{time.perf_counter() - began} {time.process_time() - used}\n")


if __name__ == "__main__":
    {"fill": fill, "project": project}[sys.argv[1]](int(sys.argv[2]))
