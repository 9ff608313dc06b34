"""The tasks that benchmarks/late_fees.py runs in processes of their own. Imported after Django is set up."""

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
    """Create products that are all due on one date."""
    catch_up("late_fees")
    Book().invoices(int(products), DUE)
    catch_up("financial_products")


def cycle(day: str) -> None:
    """Begin a business date and bring the read model up to it."""
    Book().cycle(date.fromisoformat(day))
    catch_up("financial_products")


def assess() -> None:
    """Run late_fees, and print the seconds until it has recorded LateFeesAssessed."""
    started = utc_now()
    catch_up("late_fees")
    ended = store.last_of_type("LateFeesAssessed")
    say("never" if ended is None else str((ended.recorded_at - started).total_seconds()))


def write() -> None:
    """Append events one by one with a short pause between them, and print how long each append took, in ms."""
    say("ready")
    for number in count(1):
        stream = f"company-{uuid4()}"
        event = NewEvent(stream, CompanyRegistered(f"company {number}"))
        started = time.monotonic()
        store.append([event], Context("writer", stream), expected={stream: NO_STREAM})
        say(f"{(time.monotonic() - started) * 1000:.2f}")
        time.sleep(PAUSE_S)


def main() -> None:
    """Run the task that the command line names."""
    task, *arguments = sys.argv[1:]
    tasks: dict[str, Callable[..., None]] = {"fill": fill, "cycle": cycle, "assess": assess, "write": write}
    tasks[task](*arguments)
