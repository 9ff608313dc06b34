"""The sequential model of the ledger's histories: few rules, written without the ledger's own code.

Its state is the log itself: a tuple of entries. What an entry adds up to is folded from it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, assert_never


class Entry(NamedTuple):
    """An event: its stream and version, its type, its amount in cents, and the idempotency key that recorded it."""

    stream: str
    version: int
    type: str
    amount: int
    key: str | None = None


Log = tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Fund:
    """Add money to a company."""

    company: str
    amount: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Draw on companies in this order and credit an account."""

    grant: str
    sources: tuple[str, ...]
    account: str
    amount: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PayOut:
    """Pay money out of an account."""

    account: str
    amount: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Close an account."""

    account: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Originate:
    """Originate a product under a deal, which is only read."""

    product: str
    deal: str
    amount: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteDeal:
    """Delete a deal."""

    deal: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Ask for the version and the balance of a company or account."""

    stream: str


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Read the whole log."""


Command = Fund | Grant | PayOut | Close | Originate | DeleteDeal
Question = Command | Look | ReadLog


@dataclass(frozen=True, slots=True)
class Recorded:
    """The position before the first recorded event, and the events; `repeated` if the key had recorded them before."""

    after: int
    events: Log
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The name of a refusal, what it names, and the balance that it reports."""

    rule: str
    about: str
    balance: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The version and the balance of a stream."""

    version: int
    balance: int


@dataclass(frozen=True, slots=True)
class WholeLog:
    """The log as it was read, which does not show keys."""

    log: Log


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer: the command was recorded at some moment, or never."""


@dataclass(frozen=True, slots=True)
class NotDone:
    """An error after which certainly nothing was recorded."""

    error: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An error that no client of a working ledger should see."""

    error: str


Answer = Recorded | Refused | Seen | WholeLog | Unknown | NotDone | Failed


@dataclass(frozen=True, slots=True)
class _Folded:
    balances: dict[str, int]
    versions: dict[str, int]
    ended: frozenset[str]
    keys: dict[str, tuple[int, Log]]


_SIGNS = {"FundsDebited": -1, "FundsPaidOut": -1, "CompanyFunded": 1, "FundsCredited": 1}


@lru_cache(maxsize=4096)
def _fold(log: Log) -> _Folded:
    balances, versions, keys = dict[str, int](), dict[str, int](), dict[str, tuple[int, Log]]()
    ended = {entry.stream for entry in log if entry.type in {"FundingAccountClosed", "DealDeleted"}}
    for position, entry in enumerate(log):
        balances[entry.stream] = balances.get(entry.stream, 0) + _SIGNS.get(entry.type, 0) * entry.amount
        versions[entry.stream] = versions.get(entry.stream, 0) + 1
        if entry.key is not None:
            after, events = keys.get(entry.key, (position, ()))
            keys[entry.key] = (after, (*events, entry))
    return _Folded(balances, versions, frozenset(ended), keys)


def model(log: Log, question: Question, answer: Answer) -> tuple[Log, ...]:
    """Return the log after the question, if the answer is right; both possible logs if there is no answer."""
    if isinstance(answer, NotDone):
        return (log,)
    if isinstance(answer, Recorded) and not answer.repeated and answer.after != len(log):
        return ()
    right, after = answered(log, question)
    if isinstance(answer, Unknown):
        return (after, log)
    return (after,) if right == answer else ()


def answered(log: Log, question: Question) -> tuple[Answer, Log]:
    """Return the one right answer, and the log after it."""
    folded = _fold(log)
    match question:
        case ReadLog():
            return WholeLog(tuple(entry._replace(key=None) for entry in log)), log
        case Look(stream):
            return Seen(folded.versions.get(stream, 0), folded.balances.get(stream, 0)), log
        case _:
            return _executed(log, question, folded)


def _executed(log: Log, command: Command, folded: _Folded) -> tuple[Answer, Log]:
    if command.key is not None and command.key in folded.keys:
        after, events = folded.keys[command.key]
        return Recorded(after, events, repeated=True), log
    decided = _decide(command, folded)
    if isinstance(decided, Refused):
        return decided, log
    events = tuple(
        Entry(stream, folded.versions.get(stream, 0) + 1, event, amount, command.key)
        for stream, event, amount in decided
    )
    return Recorded(len(log), events), log + events


_Events = list[tuple[str, str, int]]


def _decide(command: Command, folded: _Folded) -> Refused | _Events:
    match command:
        case Fund(company, amount):
            return [(company, "CompanyFunded", amount)]
        case Grant():
            return _grant(command, folded)
        case PayOut(account, amount):
            return _pay_out(account, amount, folded)
        case Close(account):
            if account in folded.ended:
                return Refused("AlreadyClosed", account)
            balance = folded.balances.get(account, 0)
            return Refused("AccountNotEmpty", account, balance) if balance else [(account, "FundingAccountClosed", 0)]
        case Originate(product, deal, amount):
            gone = deal in folded.ended
            return Refused("DealNotActive", deal) if gone else [(product, "ProductOriginated", amount)]
        case DeleteDeal(deal):
            return Refused("DealIsDeleted", deal) if deal in folded.ended else [(deal, "DealDeleted", 0)]
        case _:
            assert_never(command)


def _grant(command: Grant, folded: _Folded) -> Refused | _Events:
    if command.grant in folded.versions:
        return Refused("AlreadyExists", command.grant)
    for source in command.sources:
        if not folded.balances.get(source, 0):
            return Refused("SourceWithoutBalance", source)
    if command.account in folded.ended:
        return Refused("AccountNotActive", command.account)
    available = sum(folded.balances[source] for source in command.sources)
    if command.amount > available:
        return Refused("InsufficientFunds", "", available)
    events, left = [(command.grant, "BalancesGranted", command.amount)], command.amount
    for source in command.sources:
        drawn = min(left, folded.balances[source])
        if drawn:
            events.append((source, "FundsDebited", drawn))
        left -= drawn
    return [*events, (command.account, "FundsCredited", command.amount)]


def _pay_out(account: str, amount: int, folded: _Folded) -> Refused | _Events:
    balance = folded.balances.get(account, 0)
    if account in folded.ended:
        return Refused("AccountNotActive", account)
    return Refused("InsufficientFunds", "", balance) if amount > balance else [(account, "FundsPaidOut", amount)]
