"""The import of a file of invoices: check the file, compare it with the ledger, then record what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.management.progress import ProgressDisplay
from processmanagers.late_fees import LateFees
from processmanagers.receivables.comparison import disagreements
from processmanagers.receivables.file_check import check
from processmanagers.receivables.invoices import FaultyFile, Invoice, Terms
from processmanagers.receivables.ledger_contents import read_ledger_contents
from processmanagers.receivables.recording import Recorder, Summary, missing_by_date


@dataclass(frozen=True, slots=True)
class Imported:
    """The invoices of a file, and what the import recorded."""

    invoices: Sequence[Invoice]
    summary: Summary

    @property
    def first_date(self) -> date:
        """The first InvoiceDate."""
        return min(invoice.invoice_date for invoice in self.invoices)

    @property
    def last_date(self) -> date:
        """The last InvoiceDate or SettledDate."""
        return max(invoice.settled_date or invoice.invoice_date for invoice in self.invoices)


def import_file(content: bytes, terms: Terms, today: date, correlation_id: str, display: ProgressDisplay) -> Imported:
    """Record what the ledger lacks of the file. Raises FaultyFile before anything is recorded.

    An interrupted import is run again and goes on where it ended.
    """
    invoices = check(content, terms, today)
    recorded = read_ledger_contents(invoices, terms)
    faults = disagreements(invoices, terms, recorded)
    if faults:
        raise FaultyFile(faults)
    days, summary = missing_by_date(invoices, terms, recorded)
    if days:
        # late_fees answers only cycles after its registration, so register it before the first date begins.
        checkpoints.register(LateFees.name)
        with display:
            Recorder(terms, recorded, summary, correlation_id).record(days, display.update)
    # What the report calls recorded must be durable, also if another import recorded it.
    store.barrier()
    return Imported(invoices, summary)
