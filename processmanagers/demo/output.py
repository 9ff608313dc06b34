"""What the demonstration prints: plain lines and tables, the same in every run."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from projectors.queries import reports
from projectors.queries.trial_balance import trial_balance as trial_balance_lines

WriteLine = Callable[[str], None]


class DemoFailed(Exception):
    """The ledger did not do what the demonstration shows; the message says what was found instead."""


def money(amount: Decimal) -> str:
    """Return an amount with a comma between thousands."""
    return f"{amount:,}"


def minor_units(units: int, digits: int) -> str:
    """Return a number of minor units as an amount."""
    return money(Decimal(units).scaleb(-digits))


def write_table(write: WriteLine, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table: the first column is aligned to the left, the figures to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        first, *rest = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        write(f"     {first}   {'   '.join(rest)}".rstrip())


def write_aging(write: WriteLine, business_date: date) -> None:
    """Write what was owed at the beginning of a date, by days past due."""
    rows = reports.aging_in_order(business_date)
    if len(rows) < len(reports.BUCKETS):
        message = f"the aging has only these buckets: {', '.join(row.bucket for row in rows)}"
        raise DemoFailed(message)
    write_table(
        write,
        ("days past due", "products", "principal", "fees"),
        [
            (
                row.bucket,
                str(row.products),
                minor_units(row.principal, row.minor_digits),
                minor_units(row.fees, row.minor_digits),
            )
            for row in rows
        ],
    )


def write_trial_balance(write: WriteLine) -> None:
    """Write the sums of the journal's accounts; debit and credit must be equal."""
    lines = trial_balance_lines()
    debit, credit = sum(line.debit for line in lines), sum(line.credit for line in lines)
    if debit != credit:
        message = f"the trial balance is not zero: debit {debit}, credit {credit}"
        raise DemoFailed(message)
    digits = lines[0].minor_digits
    rows = [(line.account, minor_units(line.debit, digits), minor_units(line.credit, digits)) for line in lines]
    total = ("total", minor_units(debit, digits), minor_units(credit, digits))
    write_table(write, ("account", "debit", "credit"), [*rows, total])
