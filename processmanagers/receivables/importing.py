"""The import of a file of invoices: `prepare` checks it and compares it with the ledger, `record` records the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.loop import CatchUp, Report
from eventstore.errors import NotCaughtUp
from eventstore.management.progress import ProgressDisplay
from eventstore.runtime.shutdown import Stop
from processmanagers.late_fees import LateFees
from processmanagers.receivables.comparison import Comparer
from processmanagers.receivables.date_gaps import LeftOut, beyond_gaps, gap_faults
from processmanagers.receivables.file.faults import Fault, FaultyFile
from processmanagers.receivables.file.file_check import check
from processmanagers.receivables.file.file_format import FileFormat
from processmanagers.receivables.file.table import Table, read_table
from processmanagers.receivables.invoices import Invoice, Terms
from processmanagers.receivables.ledger_contents import LedgerContents, read_ledger_contents
from processmanagers.receivables.other_sellers import same_invoices
from processmanagers.receivables.plan import Plan
from processmanagers.receivables.recording import Recorder, Summary

LONGEST_OUTAGE_S: Final = 60.0
"""The import waits so long for a database that is away; then it ends, and continues when it is run again."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What an import may do: begin every date of a gap, record late invoices, leave out faulty rows, charge fees."""

    catch_up: bool = False
    record_late: bool = False
    skip_faulty: bool = False
    late_fees: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked file, ready to be recorded. `faults` are of the rows that are left out.

    `notes` say which dates are left out, and of which other sellers the invoices are.
    """

    table: Table
    terms: Terms
    invoices: Sequence[Invoice]
    contents: LedgerContents
    plan: Plan
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

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
    comparer = Comparer(terms, contents, choices.record_late)
    plan, differences = comparer.compare(checked.invoices)
    others = tuple(same_invoices([part.invoice for part in plan.invoices], terms, contents.head))
    if not choices.skip_faulty:
        found = [*differences, *([] if choices.catch_up else _gap_faults(plan, contents))]
        if found:
            raise FaultyFile(found, others)
        return Prepared(table, terms, checked.invoices, contents, plan, (), others)
    differing = {fault.line for fault in differences}
    invoices = _without(checked.invoices, differing)
    left_out = [] if choices.catch_up else _beyond_gaps(plan, differing, contents)
    faults = [*checked.faults, *differences, *(fault for one in left_out for fault in one.faults())]
    invoices = _without(invoices, {part.line for one in left_out for part in one.parts})
    if not invoices:
        raise FaultyFile(faults, others)
    if differences or left_out:
        plan, _ = comparer.compare(invoices)
    return Prepared(table, terms, invoices, contents, plan, tuple(sorted(faults)), (*map(str, left_out), *others))


def _without(invoices: Sequence[Invoice], lines: set[int]) -> tuple[Invoice, ...]:
    return tuple(invoice for invoice in invoices if lines.isdisjoint(invoice.lines))


def _gap_faults(plan: Plan, contents: LedgerContents) -> Iterator[Fault]:
    return gap_faults(plan.parts, contents.calendar.last, settings.DAILY_CYCLE_MAX_GAP_DAYS)


def _beyond_gaps(plan: Plan, differing: set[int], contents: LedgerContents) -> list[LeftOut]:
    parts = [part for part in plan.parts if differing.isdisjoint(part.invoice.lines)]
    return beyond_gaps(parts, contents.calendar.last, settings.DAILY_CYCLE_MAX_GAP_DAYS)


class ImportInterrupted(Exception):
    """A signal ended the import between two transactions. What is recorded stays; run it again to continue."""


def record(prepared: Prepared, choices: Choices, progress: ProgressDisplay, report: Report) -> Summary:
    """Record what the ledger lacks. An interrupted import can be run again and continues where it ended.

    It reports that the database is away, and waits for it at most LONGEST_OUTAGE_S. Raises ImportInterrupted.
    """
    with Stop().on_signals() as stop:
        charge_late_fees = CatchUp(LateFees.name, stop=stop, report=report, patience_s=LONGEST_OUTAGE_S)

        def check() -> None:
            if stop.asked:
                raise ImportInterrupted

        def show(done: int, total: int) -> None:
            progress.update(done, total)
            check()

        def run_late_fees() -> None:
            check()
            if choices.late_fees:
                charge_late_fees()

        recorder = Recorder(prepared.terms, prepared.contents, run_late_fees)
        days = prepared.plan.days()
        try:
            if days:
                home.ensure()
                # late_fees answers only cycles after its registration, so register it before the first date begins.
                checkpoints.register(LateFees.name)
                with progress:
                    recorder.record(days, show)
            # What the report calls recorded must be durable, also if another import recorded it.
            store.barrier()
        except (NotCaughtUp, DatabaseError, InterfaceError) as error:
            if stop.asked:
                raise ImportInterrupted from error
            raise
        return recorder.summary
