"""`manage.py import_receivables FILE`: replay a file of invoices, one business date at a time."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay
from ledger.currencies import minor_digits
from ledger.daily_cycle import business_today
from ledger.rules import money, texts
from ledger.rules.refusals.base import Refusal
from processmanagers.receivables.importing import Imported, import_file
from processmanagers.receivables.invoices import FaultyFile, Terms
from processmanagers.receivables.recording import DateNoLongerOpen, RowRefused

_A_DATE: Final = date(2001, 2, 3)


class Command(ConsoleCommand):
    """Record the invoices and settlements of a CSV file, each on its date."""

    help = "Replay a CSV file of invoices, one business date at a time. If it is interrupted, run it again."
    refusals = (*ConsoleCommand.refusals, Refusal, DateNoLongerOpen, RowRefused)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file and the options that say how to read it."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--date-format", default="%d/%m/%Y", help="the format of its dates (default %%d/%%m/%%Y)")
        parser.add_argument("--currency", default="USD", help="the currency of its amounts (default %(default)s)")
        parser.add_argument("--late-fee-rate", default="0.001", help="fraction charged a day (default %(default)s)")
        parser.add_argument("--seller", default="Seller", help="the selling company's name (default %(default)s)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import the file, or write its faults to standard error."""
        terms = _terms(options)
        path: Path = options["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        display = ProgressDisplay(path.name, "invoices and settlements")
        try:
            imported = import_file(content, terms, business_today(), str(uuid4()), display)
        except FaultyFile as faulty:
            for fault in faulty.faults:
                self.stderr.write(f"{path}: {fault}")
            count = len(faulty.faults)
            number = "1 fault" if count == 1 else f"{count} faults"
            raise CommandError(f"{path}: {number}, nothing was recorded") from faulty
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"the database connection was lost; run the import again to go on: {error}") from error
        except KeyboardInterrupt as interrupt:
            raise CommandError(f"{path}: interrupted; run the import again to go on", returncode=130) from interrupt
        self.stdout.write(_report(path, imported))


def _terms(options: dict[str, Any]) -> Terms:
    return Terms(
        seller=texts.text("--seller", options["seller"]),
        currency=options["currency"],
        digits=minor_digits(options["currency"]),
        daily_late_fee_rate=money.rate(money.parse_decimal(options["late_fee_rate"], "--late-fee-rate")),
        date_format=_date_format(options["date_format"]),
    )


def _date_format(text: str) -> str:
    try:
        understood = datetime.strptime(_A_DATE.strftime(text), text).date()  # noqa: DTZ007 - a date has no zone
    except ValueError as error:
        raise CommandError(f"--date-format {text!r} is not valid: {error}") from error
    if understood != _A_DATE:
        raise CommandError(f"--date-format {text!r} must contain day, month and year")
    return text


def _report(path: Path, imported: Imported) -> str:
    done = imported.summary
    made = f"{done.dates:,} dates, {done.companies:,} companies, {done.deals:,} deals"
    return (
        f"{path.name}: {len(imported.invoices):,} invoices, {imported.first_date} to {imported.last_date}\n"
        f"recorded: {made}, {done.invoices:,} invoices, {done.settlements:,} settlements\n"
        f"recorded before: {done.invoices_passed_over:,} invoices, {done.settlements_passed_over:,} settlements"
    )
