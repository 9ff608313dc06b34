"""The import of a file of invoices: `prepare` checks it and compares it with the ledger, `record` records the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.loop import catch_up
from eventstore.management.progress import ProgressDisplay
from processmanagers.late_fees import LateFees
from processmanagers.receivables.comparison import Comparer
from processmanagers.receivables.date_gaps import gap_faults
from processmanagers.receivables.file.faults import Fault, FaultyFile
from processmanagers.receivables.file.file_check import check
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.file.table import Table, read_table
from processmanagers.receivables.invoices import Invoice, Terms
from processmanagers.receivables.ledger_contents import LedgerContents, read_ledger_contents
from processmanagers.receivables.other_sellers import same_invoices
from processmanagers.receivables.plan import Plan
from processmanagers.receivables.recording import Recorder, Summary


@dataclass(frozen=True, slots=True)
class Choices:
    """What an import may do: begin every date of a gap, record late invoices, leave out faulty rows, charge fees."""

    catch_up: bool = False
    record_late: bool = False
    skip_faulty: bool = False
    late_fees: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked file, ready to be recorded. `faults` are of the rows that are left out."""

    table: Table
    terms: Terms
    invoices: Sequence[Invoice]
    contents: LedgerContents
    plan: Plan
    faults: tuple[Fault, ...]
    other_sellers: tuple[str, ...]

    @property
    def left_out(self) -> set[int]:
        """The lines of the rows that are left out: the faulty ones, and the others of their invoices."""
        return {row.line for row in self.table.rows} - {line for invoice in self.invoices for line in invoice.lines}


def prepare(content: bytes, terms: Terms, file_format: FileFormat, choices: Choices, today: date) -> Prepared:
    """Check a file and compare it with the ledger. Raises FaultyFile; with `skip_faulty` only if no row is left."""
    table = read_table(content, file_format)
    checked = check(table, terms, file_format, today)
    if checked.faults and not choices.skip_faulty:
        raise FaultyFile(checked.faults)
    contents = read_ledger_contents(checked.invoices, terms)
    invoices, faults = checked.invoices, list(checked.faults)
    plan, found = _compare(invoices, terms, contents, choices)
    others = tuple(same_invoices([part.invoice for part in plan.invoices], terms, contents.head))
    while found:
        faults += found
        lines = {fault.line for fault in found}
        invoices = tuple(invoice for invoice in invoices if lines.isdisjoint(invoice.lines))
        if not choices.skip_faulty:
            raise FaultyFile(faults, others)
        # Without these rows other gaps may appear, so the rest is compared again.
        plan, found = _compare(invoices, terms, contents, choices)
    if not invoices:
        raise FaultyFile(faults, others)
    return Prepared(table, terms, invoices, contents, plan, tuple(sorted(faults)), others)


def _compare(
    invoices: Sequence[Invoice], terms: Terms, contents: LedgerContents, choices: Choices
) -> tuple[Plan, list[Fault]]:
    plan, differences = Comparer(terms, contents, choices.record_late).compare(invoices)
    faults = list(differences)
    if not choices.catch_up:
        faults += gap_faults(plan.parts, contents.calendar.last, settings.DAILY_CYCLE_MAX_GAP_DAYS)
    return plan, faults


def record(prepared: Prepared, choices: Choices, progress: ProgressDisplay) -> Summary:
    """Record what the ledger lacks. An interrupted import can be run again and continues where it ended."""
    recorder = Recorder(prepared.terms, prepared.contents, _run_late_fees if choices.late_fees else _run_nothing)
    days = prepared.plan.days()
    if days:
        home.ensure()
        # late_fees answers only cycles after its registration, so register it before the first date begins.
        checkpoints.register(LateFees.name)
        with progress:
            recorder.record(days, progress.update)
    # What the report calls recorded must be durable, also if another import recorded it.
    store.barrier()
    return recorder.summary


def _run_late_fees() -> None:
    catch_up(LateFees.name)


def _run_nothing() -> None:
    """Leave the fees to late_fees, which somebody runs afterwards."""
