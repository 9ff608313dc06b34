"""What an import says: what it recognised, what it is about to record, and what it recorded."""

from collections.abc import Iterator
from datetime import date, timedelta

from processmanagers.receivables.importing import Prepared
from processmanagers.receivables.invoices import Invoice
from processmanagers.receivables.plan import total
from processmanagers.receivables.recording import Summary

_NOTES_SHOWN = 20


def findings(prepared: Prepared) -> Iterator[str]:
    """Yield the findings in the file and in the ledger that are shown before anything is recorded."""
    yield from prepared.table.recognised
    if unknown := prepared.table.unknown:
        yield f"columns that are not imported: {', '.join(unknown)}"
    notes = sorted(prepared.plan.notes)
    yield from (f"line {line}: {note}" for line, note in notes[:_NOTES_SHOWN])
    if len(notes) > _NOTES_SHOWN:
        yield f"{len(notes) - _NOTES_SHOWN:,} more lines of this kind"
    yield from prepared.notes


def announcement(prepared: Prepared) -> str:
    """Return what is about to be recorded: dates, invoices and settlements, with their sums."""
    plan, last, currency = prepared.plan, prepared.contents.calendar.last, prepared.terms.currency
    dates = [part.recorded_on for part in plan.parts]
    first = min(dates) if last is None else last + timedelta(days=1)
    number = (max(dates) - first).days + 1
    begun = f"{number:,} dates from {first} to {max(dates)}" if number > 0 else f"on {last}, which has begun"
    invoices, settlements = plan.invoices, plan.settlements
    return (
        f"to record: {begun}; {len(invoices):,} invoices of {total(invoices):,} {currency};"
        f" {len(settlements):,} settlements of {total(settlements):,} {currency}"
    )


def terms(prepared: Prepared, date_format: str) -> str:
    """Return what the options have decided, given or by default, and no later import can change."""
    given = prepared.terms
    return (
        f"for good: the seller {given.seller!r} (--seller), late fees of {given.daily_late_fee_rate:f} a day"
        f" (--late-fee-rate), amounts in {given.currency} (--currency), dates read as {date_format} (--date-format)"
    )


def question(prepared: Prepared) -> str:
    """Return what a terminal is asked before anything is recorded."""
    given = prepared.terms
    return f"Record it for the seller {given.seller!r}, with late fees of {given.daily_late_fee_rate:f} a day? [y/N] "


def result(name: str, prepared: Prepared, summary: Summary) -> str:
    """Return what was recorded now and before, as three lines."""
    invoices, plan, given = prepared.invoices, prepared.plan, prepared.terms
    first = min(invoice.invoice_date for invoice in invoices)
    last = max(day for invoice in invoices for day in (invoice.invoice_date, *_settled_dates(invoice)))
    made = f"{summary.dates:,} dates, {summary.companies:,} companies, {summary.deals:,} deals"
    return (
        f"{name}: {len(invoices):,} invoices, {first} to {last}, of the seller {given.seller!r}, in {given.currency},"
        f" with late fees of {given.daily_late_fee_rate:f} a day\n"
        f"recorded: {made}, {summary.invoices:,} invoices, {summary.settlements:,} settlements\n"
        f"recorded before: {plan.recorded_invoices:,} invoices, {plan.recorded_settlements:,} settlements"
    )


def _settled_dates(invoice: Invoice) -> list[date]:
    return [settlement.settled_date for settlement in invoice.settlements]
