"""One history's part of a real ledger: it prepares the log, and asks the questions of the model there."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from eventstore import store
from eventstore.errors import NotDurable, OutcomeUnknown
from eventstore.records import Context, IdempotencyKey, NewEvent, RecordedEvent
from ledger import handlers, states
from ledger.rules import commands, events
from ledger.rules.refusals.balances import AccountNotEmpty, InsufficientFunds
from ledger.rules.refusals.base import Refusal
from tests.support.histories.books import (
    Answer,
    Close,
    Command,
    DeleteDeal,
    Entry,
    Failed,
    Fund,
    Grant,
    Log,
    Look,
    NotDone,
    Originate,
    PayOut,
    Question,
    ReadLog,
    Recorded,
    Refused,
    Seen,
    Unknown,
    WholeLog,
)
from tests.support.histories.programs import ACCOUNTS, COMPANIES, DEAL, FUNDS

_AMOUNTS: Final = ("amount", "total", "principal")
_NAMED_BY: Final = ("account_uuid", "deal_uuid", "from_uuid", "uuid")
"""The fields by which a refusal names its subject."""


class World:
    """Companies, accounts and a deal that no other history knows; `base` is the position before their first event."""

    def __init__(self, number: int, base: int) -> None:
        self._number, self.base = number, base

    def prepare(self) -> Log:
        """Record what the history begins with, and return it."""
        owner = self._uuid(COMPANIES[0])
        new: list[tuple[str, object]] = [(name, events.CompanyRegistered(name)) for name in COMPANIES]
        new += [(name, events.CompanyFunded(_money(FUNDS[name]), "USD", "capital")) for name in COMPANIES]
        new += [(name, events.FundingAccountOpened(owner, name)) for name in ACCOUNTS]
        new += [(name, events.FundingAccountActivated()) for name in ACCOUNTS]
        new += [(DEAL, events.DealCreated(1, (events.DealCompany(owner, "debtor"),))), (DEAL, events.DealActivated())]
        store.append([NewEvent(self._stream(name), event) for name, event in new], Context("tests", "a history"))
        return self.log()

    def log(self) -> Log:
        """Return the log of this history, without the events of others."""
        return self._entries(self._recorded())

    def positions(self) -> list[int]:
        """Return the positions of the events of this history."""
        return [event.position for event in self._recorded()]

    def _recorded(self) -> list[RecordedEvent]:
        found = store.read_batch(from_position=self.base + 1, limit=5000)
        return [event for event in found if event.category in _CATEGORIES and event.uuid.int >> 32 == self._number]

    def ask(self, question: Question) -> Answer:
        """Ask the real ledger; the answer names the position of the first event, not yet its place in this history.

        As in the web, what is shown is durable.
        """
        try:
            return self._ask(question)
        except Refusal as refusal:
            return self._refused(refusal)
        except OutcomeUnknown:
            return Unknown()
        except (DatabaseError, InterfaceError, NotDurable) as error:
            return NotDone(repr(error))
        except Exception as error:  # noqa: BLE001 - the model knows no other, so the check will show it
            return Failed(repr(error))

    def _ask(self, question: Question) -> Answer:
        match question:
            case ReadLog():
                read = WholeLog(self.log())
                store.barrier()
                return read
            case Look(name):
                loaded = states.state(name.partition("-")[0], self._uuid(name))
                store.barrier()
                return Seen(loaded.version, _cents(loaded.state.balance))
            case _:
                key = question.key
                once = None if key is None else IdempotencyKey(f"history {self._number}", key, "the same")
                appended = handlers.execute(self._command(question), actor="tests", key=once)
                entries = self._entries(appended.events, key)
                return Recorded(appended.events[0].position, entries, appended.repeated)

    def _command(self, question: Command) -> commands.Command:
        match question:
            case Fund(company, amount):
                return commands.FundCompany(self._uuid(company), _money(amount), "more", "USD")
            case Grant(grant, sources, account, amount):
                drawn = tuple(commands.Source("company", self._uuid(source)) for source in sources)
                paid = commands.Destination(self._uuid(COMPANIES[0]), self._uuid(account), _money(amount))
                return commands.GrantBalances(self._uuid(grant), "a grant", drawn, (paid,))
            case PayOut(account, amount):
                return commands.PayOutFunds(self._uuid(account), _money(amount), "paid", "USD")
            case Close(account):
                return commands.CloseFundingAccount(self._uuid(account), "done")
            case Originate(product, deal, amount):
                due, rate, payer = date(2026, 3, 1), Decimal("0.001"), "debtor"
                made, under = self._uuid(product), self._uuid(deal)
                return commands.OriginateProduct(made, under, _money(amount), due, rate, payer, "p", currency="USD")
            case DeleteDeal(deal):
                return commands.DeleteDeal(self._uuid(deal))

    def _refused(self, refusal: Refusal) -> Refused:
        facts = refusal.facts
        about = next((self._name(facts[field]) for field in _NAMED_BY if field in facts), "")
        balance = None
        if isinstance(refusal, InsufficientFunds):
            balance = _cents(refusal.available)
        elif isinstance(refusal, AccountNotEmpty):
            balance = _cents(refusal.balance)
        return Refused(type(refusal).__name__, about, balance)

    def _entries(self, recorded: Sequence[RecordedEvent], key: str | None = None) -> Log:
        return tuple(
            Entry(self._name(event.uuid), event.version, event.type, _amount(event.data), key) for event in recorded
        )

    def _uuid(self, name: str) -> UUID:
        return UUID(int=self._number << 32 | _CATEGORIES[name.partition("-")[0]] << 16 | int(name.partition("-")[2]))

    def _stream(self, name: str) -> str:
        return f"{name.partition('-')[0]}-{self._uuid(name)}"

    @staticmethod
    def _name(uuid: UUID) -> str:
        return f"{_BY_NUMBER[uuid.int >> 16 & 0xFFFF]}-{uuid.int & 0xFFFF}"


_CATEGORIES: Final = {"company": 1, "account": 2, "deal": 3, "grant": 4, "product": 5}
_BY_NUMBER: Final = {number: category for category, number in _CATEGORIES.items()}


def _amount(data: Any) -> int:
    return next((_cents(getattr(data, field)) for field in _AMOUNTS if hasattr(data, field)), 0)


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))
