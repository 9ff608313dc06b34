"""Importing a file of invoices: check the file, look at the ledger, and only then record what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from eventstore import store
from eventstore.consumers import checkpoints
from eventstore.management.progress import Showing
from processmanagers.late_fees import LateFees
from processmanagers.receivables.agreement import disagreements
from processmanagers.receivables.checking import check
from processmanagers.receivables.recorded import read_recorded
from processmanagers.receivables.recording import Recording, Summary, missing_by_date
from processmanagers.receivables.rows import FaultyFile, Invoice, Terms


@dataclass(frozen=True, slots=True)
class Imported:
    """The invoices of a file, and what was done about them."""

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


def import_file(content: bytes, terms: Terms, today: date, correlation_id: str, showing: Showing) -> Imported:
    """Record what the ledger does not yet hold of the file; raises FaultyFile before anything is recorded.

    It may be interrupted anywhere and run again.
    """
    invoices = check(content, terms, today)
    recorded = read_recorded(invoices, terms)
    faults = disagreements(invoices, terms, recorded)
    if faults:
        raise FaultyFile(faults)
    days, summary = missing_by_date(invoices, terms, recorded)
    if days:
        # It answers only cycles published after it was registered, and there is no second chance.
        checkpoints.register(LateFees.name)
        with showing:
            Recording(terms, recorded, summary, correlation_id).record(days, showing.at)
    # What is reported as recorded must be durable, whoever recorded it.
    store.barrier()
    return Imported(invoices, summary)
