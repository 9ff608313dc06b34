"""What benchmarks/late_fees.py lets processes of their own do; imported once Django is set up."""

import sys
import time
from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Final
from uuid import uuid4

from benchmarks.report import say
from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers.loop import catch_up
from eventstore.records import NO_STREAM, Context, NewEvent
from ledger.rules.events import CompanyRegistered
from tests.support.ledger.book import Book

DUE: Final = date(2024, 3, 1)
PAUSE_S: Final = 0.01


def fill(products: str) -> None:
    """Make products that are all due on one date."""
    catch_up("late_fees")
    Book().invoices(int(products), DUE)
    catch_up("financial_products")


def cycle(day: str) -> None:
    """Begin a business date, and let the read model see it."""
    Book().cycle(date.fromisoformat(day))
    catch_up("financial_products")


def assess() -> None:
    """Let late_fees catch up, and print the seconds until it had recorded that the date's fees are complete."""
    started = utc_now()
    catch_up("late_fees")
    ended = store.last_of_type("LateFeesAssessed")
    say("never" if ended is None else str((ended.recorded_at - started).total_seconds()))


def write() -> None:
    """Append one event after the other, with a short pause between them, and print how long each took, in ms."""
    say("ready")
    for number in count(1):
        stream = f"company-{uuid4()}"
        event = NewEvent(stream, CompanyRegistered(f"company {number}"))
        started = time.monotonic()
        store.append([event], Context("writer", stream), expected={stream: NO_STREAM})
        say(f"{(time.monotonic() - started) * 1000:.2f}")
        time.sleep(PAUSE_S)


def main() -> None:
    """Do what the command line says."""
    what, *arguments = sys.argv[1:]
    ways: dict[str, Callable[..., None]] = {"fill": fill, "cycle": cycle, "assess": assess, "write": write}
    ways[what](*arguments)
