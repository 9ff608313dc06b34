"""Why a product owes what it owes: principal, payments, late fees and what was forgiven, each with its events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Final
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules import money
from ledger.rules.aggregates import product
from ledger.rules.aggregates.product import Product
from ledger.rules.events import DealCompany, LateFeeIncurred
from ledger.rules.facts import stream_id
from projectors.explain import proof
from projectors.explain.dates import Dated, counts, dated
from projectors.explain.figures import Cut, Equation, Order, Proof, Row, Term
from projectors.explain.words import words

TERMS: Final = (
    ("principal", True),
    ("paid", False),
    ("written off", False),
    ("late fees", True),
    ("fees paid", False),
    ("fees waived", False),
    ("fees written off", False),
)
"""The terms of what a product owes, in their order, and whether each adds."""

TERMS_OF: Final = {
    "ProductOriginated": ("principal", None),
    "PaymentApplied": ("paid", "fees paid"),
    "PaymentReversed": ("paid", "fees paid"),
    "LateFeeIncurred": (None, "late fees"),
    "LateFeeNotAssessed": (None, None),
    "LateFeeWaived": (None, "fees waived"),
    "ProductWrittenOff": ("written off", "fees written off"),
    "LateFeeReversed": (None, "late fees"),
    "WaiverReversed": (None, "fees waived"),
    "WriteOffReversed": ("written off", "fees written off"),
    "RecoveryRecorded": (None, None),
    "RecoveryReversed": (None, None),
}
"""By event type: the term that its change of the principal belongs to, and the one of its change of the fees."""

_ALWAYS: Final = frozenset({"principal", "paid", "late fees"})
"""Terms that are shown even when they are zero."""


@dataclass(frozen=True, slots=True)
class ProductExplanation:
    """All that explains what a product owes; `rows` are in the order that was asked for."""

    product_uuid: UUID
    state: Product
    cut: Cut
    order: Order
    equation: Equation
    rows: tuple[Row, ...]
    proof: Proof
    fee_data: LateFeeIncurred | None = None
    """The first late fee among the rows, from which its arithmetic can be shown."""

    category: ClassVar[str] = "product"
    parts: ClassVar[tuple[str, ...]] = ("principal", "fees")
    """What the amounts of a row's `changes` and `after` are of."""

    @property
    def uuid(self) -> UUID:
        """The product."""
        return self.product_uuid

    @property
    def stream_id(self) -> str:
        """The product's stream."""
        return stream_id("product", self.product_uuid)

    @property
    def deal_stream(self) -> str:
        """The stream of the deal under which it was originated."""
        return f"deal-{self.state.deal_uuid}"

    @property
    def companies(self) -> tuple[DealCompany, ...]:
        """The companies of its deal and their roles, as the deal had them."""
        return self.state.companies

    @property
    def fees(self) -> tuple[Row, ...]:
        """The rows of late fees."""
        return tuple(row for row in self.rows if row.type == "LateFeeIncurred")


def explain_product(product_uuid: UUID, cut: Cut, order: Order = "counts") -> ProductExplanation | None:
    """Return the explanation of what a product owes at a cut of the log, or None if it does not exist at the cut.

    The rows are folded in the order that is shown, so that every figure is one that the product had.
    """
    events = list(store.read_stream(stream_id("product", product_uuid), up_to=cut.position))
    shown = [one for one in dated(events) if counts(one, cut.until)]
    if not shown:
        return None
    if order == "counts":
        shown.sort(key=_counting_order)
    rows, state, sums = _folded(shown)
    owed = state.principal_outstanding + state.fees_outstanding
    equation = Equation(tuple(_terms(sums, rows)), owed, state.currency or "", "owed")
    shown_proof = proof.of_product(product_uuid, owed, cut, events)
    fee = next((one.event.data for one in shown if one.event.type == "LateFeeIncurred"), None)
    return ProductExplanation(product_uuid, state, cut, order, equation, tuple(rows), shown_proof, fee)


def _counting_order(one: Dated) -> tuple[date, int]:
    # A fee stands at its cause: on the same date it comes before what was booked on that date.
    cause = one.event.causation if one.event.type == "LateFeeIncurred" else None
    return one.counts_for or date.min, cause or one.event.position


def _folded(shown: Sequence[Dated]) -> tuple[list[Row], Product, dict[str, Decimal]]:
    state, rows = product.INITIAL, []
    sums: dict[str, Decimal] = dict.fromkeys((name for name, _ in TERMS), Decimal(0))
    for event, booked, counts_for in shown:
        before, state = state, product.evolve(state, event.data)
        changes = (
            state.principal_outstanding - before.principal_outstanding,
            state.fees_outstanding - before.fees_outstanding,
        )
        for name, change in zip(TERMS_OF[event.type], changes, strict=True):
            if name is not None:
                sums[name] += change
        rows.append(_row(event, booked, counts_for, changes, state))
    return rows, state, sums


def _row(
    event: RecordedEvent, booked: date | None, counts_for: date | None, changes: tuple[Decimal, Decimal], state: Product
) -> Row:
    what, why = words(event.data)
    if event.type == "LateFeeIncurred":
        why = f"{why}; charged to the {state.late_fee_payer_role}"
    after = (state.principal_outstanding, state.fees_outstanding)
    return Row(
        position=event.position,
        version=event.version,
        type=event.type,
        what=what,
        why=why,
        counts_for=counts_for,
        booked=booked,
        recorded_at=event.recorded_at,
        change=sum(changes, money.zero_like(state.principal)),
        changes=changes,
        after=after,
        total=after[0] + after[1],
        actor=event.actor,
        cause=event.causation,
        correlation_id=event.correlation_id,
    )


def _terms(sums: dict[str, Decimal], rows: Sequence[Row]) -> Iterator[Term]:
    zero = money.zero_like(rows[0].total)
    for name, adds in TERMS:
        positions = tuple(row.position for row in rows if name in TERMS_OF[row.type])
        if positions or name in _ALWAYS:
            yield Term(name, adds, zero + (sums[name] if adds else -sums[name]), positions)
