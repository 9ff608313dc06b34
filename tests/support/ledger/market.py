"""A market of few sources, few accounts and many threads that grant, and a check of their answers."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from random import Random
from uuid import UUID, uuid4

from eventstore import store
from eventstore.records import Appended
from ledger import states
from ledger.rules.commands import (
    CloseFundingAccount,
    Command,
    Destination,
    FundAsset,
    FundCompany,
    GrantBalances,
    PayOutFunds,
    Source,
)
from ledger.rules.refusals.balances import AccountNotActive, InsufficientFunds, SourceWithoutBalance
from ledger.rules.refusals.base import Refusal
from tests.support.ledger.folded_log import History
from tests.support.ledger.portfolio import do, new_account, new_asset, new_company

ZERO = Decimal(0)


@dataclass(frozen=True)
class Attempt:
    """A grant: its command, the head before it, its outcome, and the head after it."""

    command: GrantBalances
    before: int
    outcome: Appended | Exception
    after: int


class Market:
    """Few sources, few accounts, and the actions of threads on them."""

    def __init__(self) -> None:
        self.sources = [Source("company", new_company("300.00")) for _ in range(3)]
        self.sources += [Source("asset", new_asset(balance="200.00")) for _ in range(2)]
        self.owners = [new_company() for _ in range(2)]
        self.accounts = {new_account(owner): owner for owner in self.owners for _ in range(4)}

    def order(self, chance: Random) -> GrantBalances:
        """Return a random grant."""
        accounts = chance.choices(list(self.accounts), k=chance.randint(1, 3))
        return GrantBalances(
            uuid4(),
            "race",
            tuple(chance.sample(self.sources, chance.randint(1, 3))),
            tuple(
                Destination(self.accounts[account], account, Decimal(chance.randint(1, 2500)).scaleb(-2))
                for account in accounts
            ),
        )

    def grant(self, chance: Random) -> Attempt:
        """Execute a random grant."""
        command, before = self.order(chance), store.head().position
        try:
            outcome: Appended | Exception = do(command)
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            outcome = error
        return Attempt(command, before, outcome, store.head().position)

    def fund(self, chance: Random) -> None:
        """Fund a source."""
        source, amount = chance.choice(self.sources), Decimal(chance.randint(1, 500)).scaleb(-2)
        fund = FundCompany if source.from_type == "company" else FundAsset
        do(fund(source.from_uuid, amount, "more"))

    def close(self, account: UUID) -> None:
        """Pay out the balance and close the account; repeat it if a grant comes between the two."""
        while True:
            balance = states.account(account).state.balance
            try:
                if balance:
                    do(PayOutFunds(account, balance, "all"))
                do(CloseFundingAccount(account, "done"))
            except Refusal:
                continue
            return


def check_money(history: History) -> None:
    """Assert that every cent is accounted for at every position."""
    for category in ("company", "asset", "account"):
        assert all(state.balance >= 0 for state in history.states(category))
    debits: dict[UUID, Decimal] = defaultdict(Decimal)
    credits_: dict[UUID, Decimal] = defaultdict(Decimal)
    totals: dict[UUID, Decimal] = {}
    brought = paid_out = ZERO
    for event in history.events:
        match event.type:
            case "CompanyFunded" | "AssetFunded":
                brought += event.data.amount
            case "FundsPaidOut":
                paid_out += event.data.amount
            case "BalancesGranted":
                totals[event.uuid] = event.data.total
            case "FundsDebited":
                debits[event.data.grant_uuid] += event.data.amount
            case "FundsCredited":
                credits_[event.data.grant_uuid] += event.data.amount
                assert history.at(event.stream_id, event.position - 1).status == "active"
    assert debits == credits_ == totals
    held = sum(state.balance for category in ("company", "asset", "account") for state in history.last(category))
    assert brought == held + paid_out
    assert all(after.position == before.position + 1 for before, after in pairwise(history.events))


def is_true(attempt: Attempt, history: History) -> bool:
    """Say whether the answer was true at some position between request and answer."""
    outcome = attempt.outcome
    if isinstance(outcome, Appended):
        return bool(outcome.events[0].data.total == sum(given.amount for given in attempt.command.destinations))
    reason = _reason(attempt.command, outcome, history)
    return any(reason(position) for position in range(attempt.before, attempt.after + 1))


def _reason(command: Command, outcome: Exception, history: History) -> Callable[[int], bool]:
    assert isinstance(command, GrantBalances)
    requested = sum((given.amount for given in command.destinations), ZERO)
    sources = [f"{source.from_type}-{source.from_uuid}" for source in command.sources]

    def available(position: int) -> Decimal:
        return sum((history.at(stream, position).balance for stream in sources), ZERO)

    match outcome:
        case InsufficientFunds():
            return lambda position: available(position) == outcome.available < outcome.requested == requested
        case SourceWithoutBalance():
            stream = f"{outcome.from_type}-{outcome.from_uuid}"
            return lambda position: not history.at(stream, position).balance
        case AccountNotActive():
            stream = f"account-{outcome.account_uuid}"
            return lambda position: bool(history.at(stream, position).status == outcome.status)
        case _:
            raise outcome
