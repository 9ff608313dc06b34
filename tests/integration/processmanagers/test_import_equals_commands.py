"""An import records the same events in the same order as its commands sent one by one."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.consumers.loop import catch_up
from ledger import handlers
from ledger.rules.refusals.existence import AlreadyActive, AlreadyExists
from processmanagers.late_fees import LateFees
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.importing import Choices, prepare
from processmanagers.receivables.invoices import Terms
from processmanagers.receivables.ledger_contents import ACTOR
from processmanagers.receivables.plan import Part
from processmanagers.receivables.recording import Recorder
from tests.support.databases import Databases, connected_to
from tests.support.ledger.invoices import Row, as_exported_on, content, made_up
from tests.support.ledger.replay import GIVEN, real_invoices

DAYS = timedelta(days=75)


class OneByOne(Recorder):
    """Sends each command by itself, each on what the log then contains."""

    def _record_some(self, parts: Sequence[Part]) -> None:
        for part in parts:
            item = self._item(part)
            assert item.context is not None
            for command in item.commands:
                with suppress(AlreadyExists, AlreadyActive):
                    handlers.execute(
                        command,
                        actor=ACTOR,
                        correlation_id=item.context.correlation_id,
                        metadata=item.context.metadata,
                        key=item.key,
                        expected=self._expected,
                    )


def real_or_made_up() -> list[Row]:
    rows = real_invoices() if GIVEN.exists() else made_up()
    end = min(row.invoice_date for row in rows) + DAYS
    return as_exported_on(end, rows)


def log_made_by(kind: type[Recorder], databases: Databases, *exports: list[Row]) -> list[tuple[Any, ...]]:
    """Return the events of a fresh ledger that has imported the exports one after the other, without their moments."""
    database = databases.make()
    with connected_to(database):
        checkpoints.register(LateFees.name)
        for rows in exports:
            terms, choices = Terms("Seller", "USD", 2, Decimal("0.001")), Choices(record_late=True)
            prepared = prepare(content(rows).encode(), terms, FileFormat(), choices, date(2026, 1, 1))
            recorder = kind(terms, prepared.contents, lambda: catch_up(LateFees.name))
            recorder.record(prepared.plan.days(), lambda *_: None)
        events = [without_moments(event) for event in store.read_all()]
    databases.drop(database)
    return events


def without_moments(event: Any) -> tuple[Any, ...]:
    metadata = {name: value for name, value in event.metadata.items() if name != "append_id"}
    payload = {name: value for name, value in event.payload.items() if name != "incurred_at"}
    return (*event[:5], json.dumps(payload, sort_keys=True), *event[6:9], json.dumps(metadata, sort_keys=True))


@pytest.mark.one_database
def test_the_events_are_those_of_single_commands(databases: Databases) -> None:
    rows = real_or_made_up()
    shorter = as_exported_on(min(row.invoice_date for row in rows) + DAYS / 2, rows)[3:]
    events = log_made_by(Recorder, databases, shorter, rows)
    assert events == log_made_by(OneByOne, databases, shorter, rows)
    assert {event[3] for event in events} >= {"PaymentApplied", "LateFeeIncurred", "DealActivated"}
    assert any("invoice_date" in event[-1] for event in events)
