"""`manage.py import_receivables FILE`: replay a file of invoices, one business date at a time."""

import codecs
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from eventstore.management.base import ConsoleCommand, reason_of
from eventstore.management.progress import ProgressDisplay
from eventstore.runtime.sqlite_files import file_fault
from ledger.currencies import minor_digits
from ledger.daily_cycle import business_today
from ledger.rules import money, texts
from ledger.rules.refusals.base import Refusal
from processmanagers.receivables import report
from processmanagers.receivables.file import faults
from processmanagers.receivables.file.amounts import DECIMAL_SIGNS
from processmanagers.receivables.file.faults import Fault, FaultyFile
from processmanagers.receivables.file.file_format import COLUMNS, DEFAULT_DATE_FORMAT, FileFormat
from processmanagers.receivables.importing import Choices, ImportInterrupted, Prepared, prepare, record
from processmanagers.receivables.invoices import Terms
from processmanagers.receivables.recording import DateNoLongerOpen, RowRefused

_A_DATE: Final = date(2001, 2, 3)


class Command(ConsoleCommand):
    """Record the invoices and settlements of a CSV file, each on its date."""

    help = "Replay a CSV file of invoices, one business date at a time. If it is interrupted, run it again."
    refusals = (*ConsoleCommand.refusals, Refusal, DateNoLongerOpen, RowRefused)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments: the file, its format, the terms of its invoices, and the choices."""
        add = parser.add_argument
        add("file", type=Path, metavar="FILE")
        add("--seller", default="Seller", help="the selling company's name (default %(default)s)")
        add("--currency", default="USD", help="the currency of its amounts (default %(default)s)")
        add("--late-fee-rate", default="0.001", help="fraction charged a day (default %(default)s)")
        add("--date-format", default=DEFAULT_DATE_FORMAT, help="the format of its dates (default %%d/%%m/%%Y)")
        add("--delimiter", help="what separates its columns: , ; tab or | (default: recognised)")
        add("--decimal", choices=DECIMAL_SIGNS, help="its decimal sign; thousands separators are then allowed too")
        add("--encoding", help="its encoding (default: UTF-8, or UTF-16 with a byte order mark)")
        add("--map", action="append", default=[], metavar='"THEIRS=OURS"', help="a column's name in the file")
        add("--catch-up", action="store_true", help="begin every date of a gap above DAILY_CYCLE_MAX_GAP")
        add("--record-late", action="store_true", help="record invoices of dates that have ended on the last one")
        add("--without-late-fees", action="store_true", help="do not run late_fees between the dates")
        add("--skip-faulty", action="store_true", help="record the other rows; write the faulty ones to a file")
        add("--faulty-rows", type=Path, metavar="OUT", help="that file (default: FILE with .faulty before .csv)")
        add("--faults", type=Path, metavar="OUT", help="write every fault to this CSV file")
        add("--yes", action="store_true", help="do not ask before recording")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import the file, or write its faults to standard error."""
        path: Path = options["file"]
        choices = Choices(
            catch_up=options["catch_up"],
            record_late=options["record_late"],
            skip_faulty=options["skip_faulty"],
            late_fees=not options["without_late_fees"],
        )
        try:
            prepared = prepare(_read(path), _terms(options), _file_format(options), choices, business_today())
            self._begin(path, prepared, options)
            progress = ProgressDisplay(path.name, "invoices and settlements")
            summary = record(prepared, choices, progress, lambda line: self.stderr.write(f"{path.name}: {line}"))
        except FaultyFile as faulty:
            for note in faulty.notes:
                self.stderr.write(f"{path.name}: {note}")
            self._report_faults(path, faulty.faults, options["faults"])
            raise CommandError(f"{path}: {_number(faulty.faults)}, nothing was recorded") from faulty
        except (DatabaseError, InterfaceError) as error:
            failed = "the database connection was lost" if file_fault(error) is None else "the database failed"
            raise CommandError(f"{failed}; run the import again to go on: {reason_of(error)}") from error
        except (ImportInterrupted, KeyboardInterrupt) as interrupt:
            raise CommandError(f"{path}: interrupted; run the import again to go on", returncode=130) from interrupt
        self.stdout.write(report.result(path.name, prepared, summary))
        if prepared.faults:
            self.stdout.write(f"left out: {len(prepared.left_out):,} rows, in {_faulty_rows(path, options)}")

    def _begin(self, path: Path, prepared: Prepared, options: dict[str, Any]) -> None:
        """Say what was found and what is about to be recorded, write the faulty rows, and ask on a terminal."""
        for finding in report.findings(prepared):
            self.stderr.write(f"{path.name}: {finding}")
        if prepared.faults:
            self._report_faults(path, prepared.faults, options["faults"])
        if prepared.plan.parts:
            self.stderr.write(f"{path.name}: {report.announcement(prepared)}")
            self.stderr.write(f"{path.name}: {report.terms(prepared, options['date_format'])}")
            if not options["yes"] and sys.stdin.isatty() and self.stderr.isatty():
                self._ask(path, report.question(prepared))
        if prepared.faults:
            _write_new(_faulty_rows(path, options), prepared.table.selection(prepared.left_out))

    def _ask(self, path: Path, question: str) -> None:
        self.stderr.write(question, ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise CommandError(f"{path}: nothing was recorded")

    def _report_faults(self, path: Path, found: tuple[Fault, ...], file: Path | None) -> None:
        for line in faults.shown(found):
            self.stderr.write(f"{path}: {line}")
        if file is not None:
            try:
                if file.exists() and file.samefile(path):
                    raise CommandError(f"--faults {file}: this is the file that is imported")
                faults.write(found, file)
            except OSError as error:
                raise CommandError(f"--faults {file}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _number(found: tuple[Fault, ...]) -> str:
    return "1 fault" if len(found) == 1 else f"{len(found):,} faults"


def _faulty_rows(path: Path, options: dict[str, Any]) -> Path:
    given: Path | None = options["faulty_rows"]
    return path.with_name(f"{path.stem}.faulty{path.suffix}") if given is None else given


def _write_new(path: Path, content: bytes) -> None:
    """Write a new file; never replace one, because somebody may have corrected the rows of an earlier run in it."""
    try:
        if path.exists() and path.read_bytes() == content:
            return
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise CommandError(
            f"{path}: it exists and has other rows; name another file with --faulty-rows; nothing was recorded"
        ) from error
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; nothing was recorded") from error


def _terms(options: dict[str, Any]) -> Terms:
    return Terms(
        seller=texts.text("--seller", options["seller"]),
        currency=options["currency"],
        digits=minor_digits(options["currency"]),
        daily_late_fee_rate=money.rate(money.parse_decimal(options["late_fee_rate"], "--late-fee-rate")),
    )


def _file_format(options: dict[str, Any]) -> FileFormat:
    return FileFormat(
        encoding=_encoding(options["encoding"]),
        delimiter=_delimiter(options["delimiter"]),
        decimal=options["decimal"],
        date_format=_date_format(options["date_format"]),
        columns=dict(_column(pair) for pair in options["map"]),
    )


def _encoding(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        " ".encode(name)
    except (LookupError, UnicodeError) as error:
        raise CommandError(f"--encoding {name!r} is not known; such as utf-8, utf-16 or cp1252 are") from error
    return codecs.lookup(name).name


def _delimiter(text: str | None) -> str | None:
    if text in {"tab", "\\t"}:
        return "\t"
    if text is not None and (len(text) != 1 or text.isalnum() or text in '"\r\n '):
        raise CommandError(f"--delimiter {text!r} is not valid: it must be one sign, such as , ; | or tab")
    return text


def _column(pair: str) -> tuple[str, str]:
    theirs, equals, ours = pair.rpartition("=")
    if not equals or not theirs.strip() or (ours.strip() and ours.strip().lower() not in COLUMNS):
        known = ", ".join(COLUMNS.values())
        raise CommandError(f'--map {pair!r} must be "their name=our name", of which ours is one of: {known}')
    return theirs.strip().lower(), ours.strip()


def _date_format(text: str) -> str:
    try:
        read = datetime.strptime(_A_DATE.strftime(text), text).date()  # noqa: DTZ007 - a date has no time zone
    except ValueError as error:
        raise CommandError(f"--date-format {text!r} is not valid: {error}") from error
    if read != _A_DATE:
        raise CommandError(f"--date-format {text!r} must contain day, month and year, such as {DEFAULT_DATE_FORMAT}")
    return text
