"""Seals days within the test's process, as an installation with a SEAL_KEY does."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from typing import Final

from pytest_django.fixtures import Settings

from eventstore.consumers.process_manager_runner import ProcessManagerRunner
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import Step
from processmanagers.seals import Seals
from tests.support.ledger.book import Book, run_late_fees

KEY: Final = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
"""The private key of the first test vector of RFC 8032."""
DAY: Final = date(2026, 3, 1)


@contextmanager
def sealing(settings: Settings) -> Iterator[None]:
    """Let the code have the process manager."""
    settings.SEAL_KEY = KEY
    consumers.managers[Seals.name] = Seals()
    try:
        yield
    finally:
        del consumers.managers[Seals.name]


def seal(batch_size: int = 1000, chunk: int | None = None) -> None:
    """Let the process manager catch up, by small chunks if asked."""
    runner = ProcessManagerRunner(Seals(), batch_size)
    step = Step.PROGRESSED
    while step is Step.PROGRESSED:
        runner.size.limit = chunk or runner.size.limit
        step = runner.step()
    assert step is Step.IDLE, runner.cursor.stopped


def days(number: int) -> list[date]:
    """Record so many dates with some events each; the last date has begun and is not over."""
    book = Book(count(1))
    seal()
    run_late_fees()
    dates = [DAY + timedelta(days=day) for day in range(number)]
    for on in dates:
        book.cycle(on)
        invoice = book.invoice(DAY)
        book.invoices(3, DAY)
        book.pay(invoice)
        run_late_fees()
    return dates
