"""How the demonstration tells what it sees: plain lines, the same in every run."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from projectors.queries import books

Say = Callable[[str], None]
_WIDTH: Final = 100


class DemoFailed(Exception):
    """The demonstration saw something else than it promises."""


def money(amount: Decimal) -> str:
    """Write an amount with its thousands apart."""
    return f"{amount:,}"


def minor(units: int, digits: int) -> str:
    """Write whole minor units as an amount."""
    return money(Decimal(units).scaleb(-digits))


def table(say: Say, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table: the first column to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        first, *rest = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        say(f"     {first}   {'   '.join(rest)}".rstrip())


def aging(say: Say, business_date: date) -> None:
    """Write what was owed at the beginning of a date, by how long it was past due."""
    rows = books.aging(business_date)
    if len(rows) < len(books.BUCKETS):
        message = f"nothing was owed but in: {', '.join(row.bucket for row in rows)}"
        raise DemoFailed(message)
    table(
        say,
        ("days past due", "products", "principal", "fees"),
        [(r.bucket, str(r.products), minor(r.principal, r.minor_digits), minor(r.fees, r.minor_digits)) for r in rows],
    )


def trial_balance(say: Say) -> None:
    """Write the journal's accounts; their sum must be zero."""
    lines = books.trial_balance()
    debit, credit = sum(line.debit for line in lines), sum(line.credit for line in lines)
    if debit != credit:
        message = f"the trial balance is not zero: {debit} against {credit}"
        raise DemoFailed(message)
    digits = lines[0].minor_digits
    rows = [(line.account, minor(line.debit, digits), minor(line.credit, digits)) for line in lines]
    table(say, ("account", "debit", "credit"), [*rows, ("total", minor(debit, digits), minor(credit, digits))])
