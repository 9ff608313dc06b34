"""Why a company, an asset or a funding account has its balance: each receipt, grant and payout with its event."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

from eventstore import store
from ledger import states
from ledger.rules import money
from ledger.rules.decide import STATES
from ledger.rules.facts import stream_id
from projectors.explain import proof
from projectors.explain.dates import Dated, counts, dated
from projectors.explain.figures import Cut, Equation, Order, Proof, Row, Term
from projectors.explain.words import words
from projectors.queries.customers import accounts_of

TERMS_OF: Final[dict[str, dict[str, tuple[str, bool]]]] = {
    "company": {
        "CompanyFunded": ("received", True),
        "FundingReversed": ("taken back", False),
        "FundsDebited": ("granted", False),
        "PayoutReturnedToCompany": ("came back", True),
    },
    "asset": {
        "AssetFunded": ("collected", True),
        "FundingReversed": ("taken back", False),
        "FundsDebited": ("granted", False),
    },
    "account": {
        "FundsCredited": ("credited by grants", True),
        "FundsPaidOut": ("paid out", False),
        "PayoutReturned": ("came back", True),
    },
}
"""By category and event type: the term that the event's amount belongs to, and whether it adds."""


@dataclass(frozen=True, slots=True)
class BalanceExplanation:
    """All that explains a balance; `state` is the aggregate as the cut has it."""

    category: str
    uuid: UUID
    state: Any
    cut: Cut
    order: Order
    equation: Equation
    rows: tuple[Row, ...]
    proof: Proof

    parts: ClassVar[tuple[str, ...]] = ("balance",)
    """What the amounts of a row's `changes` and `after` are of."""

    @property
    def stream_id(self) -> str:
        """The stream whose fold the balance is."""
        return stream_id(self.category, self.uuid)


class AccountBalance(NamedTuple):
    """A funding account of a company as of a position; the currency is empty if no money has arrived."""

    uuid: UUID
    label: str
    status: str
    balance: Decimal
    currency: str


def accounts_at(company_uuid: UUID, position: int, most: int) -> list[AccountBalance]:
    """Return the funding accounts that a company had as of a position, at most so many."""
    found = []
    for row in accounts_of(company_uuid, most):
        state = states.account(row.uuid, position).state
        if state.exists:
            found.append(AccountBalance(row.uuid, state.label, state.status, state.balance, state.currency or ""))
    return found


def explain_balance(category: str, uuid: UUID, cut: Cut, order: Order = "counts") -> BalanceExplanation | None:
    """Return the explanation of a balance at a cut of the log, or None if it has no event up to that cut."""
    events = list(store.read_stream(stream_id(category, uuid), up_to=cut.position))
    chosen = [one for one in dated(events) if counts(one, cut.until)]
    if not chosen:
        return None
    rows, state = _folded(category, chosen)
    if not rows:
        zero = Decimal(0)
        nothing = Equation((), zero, "", "balance")
        return BalanceExplanation(category, uuid, state, cut, order, nothing, (), Proof(cut.position, ()))
    currency = state.currency or ""
    equation = Equation(tuple(_terms(category, rows)), state.balance, currency, "balance")
    shown = proof.of_balance(category, uuid, state.balance, cut, events[-1].position)
    return BalanceExplanation(category, uuid, state, cut, order, equation, tuple(rows), shown)


def _folded(category: str, chosen: Sequence[Dated]) -> tuple[list[Row], Any]:
    state, evolve = STATES[category]
    rows = []
    for event, booked, counts_for in chosen:
        before, state = state, evolve(state, event.data)
        if event.type in TERMS_OF[category]:
            change = state.balance - before.balance
            what, why = words(event.data)
            rows.append(
                Row(
                    position=event.position,
                    version=event.version,
                    type=event.type,
                    what=what,
                    why=why,
                    counts_for=counts_for,
                    booked=booked,
                    recorded_at=event.recorded_at,
                    change=change,
                    changes=(change,),
                    after=(state.balance,),
                    total=state.balance,
                    actor=event.actor,
                    cause=event.causation,
                    correlation_id=event.correlation_id,
                )
            )
    return rows, state


def _terms(category: str, rows: Sequence[Row]) -> list[Term]:
    named = TERMS_OF[category]
    zero = money.zero_like(rows[0].total)
    terms = []
    for name, adds in named.values():
        of_term = [row for row in rows if named[row.type][0] == name]
        total = sum((row.change for row in of_term), zero)
        terms.append(Term(name, adds, zero + (total if adds else -total), tuple(row.position for row in of_term)))
    return terms
