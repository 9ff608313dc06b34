"""Sentences that say why a product owes what it owes, and why a balance is what it is."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from ledger.rules.events import LateFeeIncurred
from projectors.explain.balance import BalanceExplanation
from projectors.explain.figures import Row, Term
from projectors.explain.product import ProductExplanation
from projectors.explain.words import amount_text, fee_arithmetic

_ONES: Final = ("no", "one", "two", "three", "four", "five", "six")
_NUMBERS: Final = (*_ONES, "seven", "eight", "nine", "ten", "eleven", "twelve")


def of_balance(explained: BalanceExplanation) -> str:
    """Return why a balance is what it is."""
    equation = explained.equation
    parts = [_moved(term) for term in equation.terms if term.amount]
    if not parts:
        return "Its balance is zero: no money has moved here."
    total = f"{amount_text(equation.total)} {equation.unit}" if equation.total else "zero"
    listed = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return f"Its balance is {total} because {listed}."


def _moved(term: Term) -> str:
    verb = term.name if term.name.startswith("came") else f"was {term.name}"
    times = len(term.positions)
    return f"{amount_text(term.amount)} {verb} in {_count(times)} event{'' if times == 1 else 's'}"


def of_product(explained: ProductExplanation, on: date | None) -> str:
    """Return why a product owes what it owes; `on` is the business date that the figure is of, if there is one."""
    state, unit = explained.state, explained.equation.unit
    owed = explained.equation.total
    if not owed:
        return f"It owes nothing: {_settled(explained)}."
    because = _because(explained, on)
    return f"It owes {amount_text(owed)} {unit} because {because}.{_fees(explained, state.due_date)}"


def _settled(explained: ProductExplanation) -> str:
    last = [row for row in explained.rows if row.change < 0]
    if explained.state.written_off:
        return "what it still owed was written off" + _on(last)
    if last and last[-1].type != "PaymentApplied":
        return f"the last of it was settled{_on(last)}, {last[-1].what.lower()}"
    return "it was paid in full" + _on(last)


def _on(rows: Sequence[Row]) -> str:
    on = rows[-1].counts_for if rows else None
    return f" on {on}" if on else ""


def _because(explained: ProductExplanation, on: date | None) -> str:
    state, due = explained.state, explained.state.due_date
    if not state.principal_outstanding:
        ended = [row for row in explained.rows if row.changes[0] < 0]
        if ended and ended[-1].type == "ProductWrittenOff":
            return _after_write_off(explained, ended[-1])
        paid_on, how = ended[-1].counts_for if ended else None, "it was paid"
        if paid_on is None or due is None:
            return f"{how} and its late fees are still open"
        if paid_on > due:
            return f"{how} on {paid_on}, {_days((paid_on - due).days)} after it was due"
        return f"{how} on {paid_on} and its late fees are still open"
    paid = state.principal_paid and f"{amount_text(state.principal_paid)} of {amount_text(state.principal)} was paid"
    if due is not None and on is not None and on > due:
        overdue = f"it was due on {due}, {_days((on - due).days)} before {on}"
        return f"{overdue}, and {paid or 'nothing of it was paid'}"
    return f"it is due on {due} and {paid or 'nothing of it is paid yet'}"


def _after_write_off(explained: ProductExplanation, write_off: Row) -> str:
    lost = "what was left of its principal" if explained.state.principal_paid else "its principal"
    late = any(row.position > write_off.position for row in explained.fees)
    fees = ", and late fees for dates up to then were recorded after that" if late else ""
    return f"{lost} was written off{_on([write_off])}{fees}"


def _fees(explained: ProductExplanation, due: date | None) -> str:
    fees = explained.fees
    if not fees or due is None:
        return ""
    amounts = {row.change for row in fees}
    first, last = fees[0].counts_for, fees[-1].counts_for
    if len(amounts) == 1 and isinstance(data := explained.fee_data, LateFeeIncurred):
        each = "That day" if len(fees) == 1 else f"Each of {_count(len(fees))} days from {first} to {last}"
        return f" {each} cost {fee_arithmetic(data)}."
    total = sum(amounts_of(fees), Decimal(0))
    return f" Late fees of {amount_text(total)} were charged for {_count(len(fees))} days from {first} to {last}."


def amounts_of(rows: Sequence[Row]) -> list[Decimal]:
    """Return the change of each row."""
    return [row.change for row in rows]


def _days(number: int) -> str:
    return f"{_count(number)} day{'' if number == 1 else 's'}"


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)
