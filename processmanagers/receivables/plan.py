"""The plan of an import: the invoices and settlements that the ledger lacks, by date, and notes on what differs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from processmanagers.receivables.invoices import Invoice, Settlement


@dataclass(frozen=True, slots=True)
class Part:
    """An invoice or a settlement that the ledger lacks, and the date on which it is to be recorded.

    `ordinal` numbers the settlements of one invoice that have the same date and amount.
    """

    invoice: Invoice
    settlement: Settlement | None
    recorded_on: date
    ordinal: int = 1

    @property
    def line(self) -> int:
        """The line of the file."""
        return self.invoice.line if self.settlement is None else self.settlement.line

    @property
    def column(self) -> str:
        """The column of its date."""
        return "InvoiceDate" if self.settlement is None else "SettledDate"

    @property
    def date_in_file(self) -> date:
        """The date that the file gives."""
        return self.invoice.invoice_date if self.settlement is None else self.settlement.settled_date

    @property
    def amount(self) -> Decimal:
        """The amount of the invoice or of the settlement."""
        return self.invoice.amount if self.settlement is None else self.settlement.amount

    @property
    def is_late(self) -> bool:
        """Whether its date in the file is over, so that it is recorded on a later date."""
        return self.date_in_file < self.recorded_on


@dataclass(slots=True)
class Day:
    """The parts of one business date that the ledger lacks."""

    invoices: list[Part] = field(default_factory=list)
    settlements: list[Part] = field(default_factory=list)

    def __iter__(self) -> Iterator[Part]:
        """Iterate over the parts in the order in which they are recorded."""
        yield from self.invoices
        yield from self.settlements

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.invoices) + len(self.settlements)


@dataclass(slots=True)
class Plan:
    """The parts to record, the numbers of those recorded before, and `notes` on what is moved or passed over."""

    parts: list[Part] = field(default_factory=list)
    recorded_invoices: int = 0
    recorded_settlements: int = 0
    notes: list[tuple[int, str]] = field(default_factory=list)

    def days(self) -> dict[date, Day]:
        """Return the parts by the date on which they are to be recorded."""
        days: dict[date, Day] = defaultdict(Day)
        for part in self.parts:
            day = days[part.recorded_on]
            (day.invoices if part.settlement is None else day.settlements).append(part)
        return dict(sorted(days.items()))

    @property
    def invoices(self) -> list[Part]:
        """The invoices to record."""
        return [part for part in self.parts if part.settlement is None]

    @property
    def settlements(self) -> list[Part]:
        """The settlements to record."""
        return [part for part in self.parts if part.settlement is not None]


def total(parts: Iterable[Part]) -> Decimal:
    """Return the sum of the parts' amounts."""
    return sum((part.amount for part in parts), Decimal(0))
