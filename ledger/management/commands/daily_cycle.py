"""`manage.py daily_cycle`: publish the missing business dates, once or periodically."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS

from eventstore.consumers.checkpoints import never_registered
from eventstore.consumers.history import standstill
from eventstore.errors import EventStoreError
from eventstore.management.base import ConsoleCommand, require_migrated
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.session_settings import broken_guarantees
from eventstore.runtime.shutdown import Stop
from ledger.as_of import last_cycled
from ledger.daily_cycle import business_today, published
from ledger.fee_lag import LATE_FEES, fee_lag
from ledger.rules import dates
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.dates import TooManyMissingDates
from ledger.rules.refusals.fields import InvalidDate

LONGEST_PERIOD_S = 86_400


def _date(text: str) -> date:
    try:
        return dates.business_date("date", date.fromisoformat(text))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from error
    except InvalidDate as refusal:
        raise ArgumentTypeError(str(refusal)) from refusal


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_PERIOD_S:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and up to {LONGEST_PERIOD_S}")
    return seconds


class Command(ConsoleCommand):
    """Publishes the missing SystemCycled events."""

    help = (
        "Publish one SystemCycled for each missing business date, today's last, and print the dates. Running it "
        "twice, at the same time or on several machines is safe."
    )
    refusals = (EventStoreError, Refusal)
    needs_database = False  # It checks by itself: with --loop it waits for a database that is away.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--loop", action="store_true", help="stay, and run again one period after each run")
        parser.add_argument(
            "--period", type=_seconds, metavar="SECONDS", help="time between two runs (default: DAILY_CYCLE_PERIOD)"
        )
        parser.add_argument(
            "--today", type=_date, metavar="DATE", help="use this as today's date, also with --loop (YYYY-MM-DD)"
        )
        parser.add_argument("--future", action="store_true", help="allow a --today after today's business date")
        parser.add_argument(
            "--catch-up", action="store_true", help="publish even if more dates than DAILY_CYCLE_MAX_GAP are missing"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        """Run once, or until a signal ends it."""
        if options["period"] is not None and not options["loop"]:
            raise CommandError("--period is used only with --loop")
        if options["future"] and options["today"] is None:
            raise CommandError("--future is used only with --today")
        with Stop().on_signals() as stop:
            if options["loop"]:
                self._loop(stop, options)
            elif not self._run(stop, options):
                self.stderr.write(_why_nothing(options["today"]))

    def _loop(self, stop: Stop, options: dict[str, Any]) -> None:
        """Run again after each period; an append whose outcome is unknown is looked for before anything is published.

        See Note [Which faults end a process].
        """
        period, reconnecting = options["period"] or settings.DAILY_CYCLE_PERIOD_S, Reconnecting(stop, self.stderr.write)
        reconnecting.until_done(self._report_sessions)
        while not stop.asked:
            reconnecting.until_done(lambda: self._run(stop, options))
            stop.wait(period)

    def _report_sessions(self) -> None:
        for fault in broken_guarantees(DEFAULT_DB_ALIAS):
            self.stderr.write(fault)

    def _run(self, stop: Stop, options: dict[str, Any]) -> int:
        """Publish the missing dates, until a signal ends it, and return their number."""
        require_migrated()
        today = options["today"] or business_today()
        _check_today(today, business_today(), future=options["future"], catch_up=options["catch_up"])
        self._warn_of_process_managers()
        number = 0
        try:
            for new_date in published(today, catch_up=options["catch_up"], actor="daily_cycle"):
                self.stdout.write(new_date.isoformat())
                number += 1
                if stop.asked:
                    break
        except TooManyMissingDates as refusal:
            raise CommandError(f"{refusal} If date and database are right, --catch-up publishes them.") from refusal
        return number

    def _warn_of_process_managers(self) -> None:
        for name in never_registered():
            self.stderr.write(
                f"process manager {name} was never registered and misses the dates published now; after a first"
                f" `manage.py run_processmanager {name} --once` it misses none"
            )
        lag = fee_lag()
        if lag is not None and lag.dates > 1:
            why = standstill(LATE_FEES)
            self.stderr.write(f"{lag}; {f'it is {why}' if why else 'look at `manage.py consumers`'}")


def _check_today(today: date, actual: date, *, future: bool, catch_up: bool) -> None:
    """Raise CommandError if the date is after today's business date, or is a first date that is long past."""
    if today > actual and not future:
        raise CommandError(f"--today {today} is after today's business date {actual}: --future allows it")
    days, most = (actual - today).days, settings.DAILY_CYCLE_MAX_GAP_DAYS
    if days > most and not catch_up and last_cycled() is None:
        raise CommandError(
            f"no date is cycled yet, and --today {today} is {days} days before today's business date {actual}; {most}"
            " is the most (DAILY_CYCLE_MAX_GAP). If the date and the database are right, --catch-up begins with it."
        )


def _why_nothing(today: date | None) -> str:
    """Return why a run published nothing: the date is cycled, or it is before the last one."""
    last = last_cycled()
    if today is None or last is None or today == last.data.new_date:
        return f"nothing to publish: {today or business_today()} is cycled already"
    return f"nothing to publish: {today} is before the last date cycled, {last.data.new_date}: a cycle never goes back"
