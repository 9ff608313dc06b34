"""Given some events, when a command is decided, then these events come of it, or this refusal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from ledger.rules import decide
from ledger.rules.facts import stream_id
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.fields import UnknownCurrency

if TYPE_CHECKING:
    from ledger.rules.aggregates.account import Account
    from ledger.rules.aggregates.asset import Asset
    from ledger.rules.aggregates.company import Company
    from ledger.rules.aggregates.deal import Deal
    from ledger.rules.aggregates.grant import Grant
    from ledger.rules.aggregates.product import Product
    from ledger.rules.commands import Command

Recorded = tuple[tuple[str, object], ...]
"""Pairs of stream id and event, in order; the first is at position 1."""

MINOR_DIGITS: Final = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


class Log:
    """Facts in memory: a list of events, folded whenever a state is asked for."""

    def __init__(self, recorded: Recorded = ()) -> None:
        self.recorded = list(recorded)
        self.looked_at: set[str] = set()

    def company(self, uuid: UUID) -> Company:
        company: Company = self._fold("company", uuid)
        return company

    def asset(self, uuid: UUID) -> Asset:
        asset: Asset = self._fold("asset", uuid)
        return asset

    def account(self, uuid: UUID) -> Account:
        account: Account = self._fold("account", uuid)
        return account

    def deal(self, uuid: UUID) -> Deal:
        deal: Deal = self._fold("deal", uuid)
        return deal

    def product(self, uuid: UUID) -> Product:
        product: Product = self._fold("product", uuid)
        return product

    def grant(self, uuid: UUID) -> Grant:
        grant: Grant = self._fold("grant", uuid)
        return grant

    def event(self, position: int) -> tuple[str, object] | None:
        return self.recorded[position - 1] if 0 < position <= len(self.recorded) else None

    def minor_digits(self, currency: str) -> int:
        if currency not in MINOR_DIGITS:
            raise UnknownCurrency(currency=currency)
        return MINOR_DIGITS[currency]

    def when(self, command: Command) -> Recorded:
        """Decide the command and record what comes of it."""
        decided = decide.decide(command, self)
        self.recorded += decided
        return decided

    def _fold(self, category: str, uuid: UUID) -> Any:
        stream = stream_id(category, uuid)
        self.looked_at.add(stream)
        state, evolve = decide.STATES[category]
        for recorded_in, event in self.recorded:
            if recorded_in == stream:
                state = evolve(state, event)
        return state


class When:
    """A command that meets a log."""

    def __init__(self, log: Log, command: Command) -> None:
        self.log = log
        self.command = command

    def then(self, *expected: Recorded) -> Log:
        """Assert that exactly these events come of the command; return the log with them."""
        assert self.log.when(self.command) == tuple(pair for recorded in expected for pair in recorded)
        return self.log

    def refused(self, expected: Refusal) -> None:
        """Assert that the command is refused by this rule, with these figures, and that nothing is recorded."""
        before = list(self.log.recorded)
        with pytest.raises(Refusal) as refused:
            self.log.when(self.command)
        assert (type(refused.value), refused.value.facts) == (type(expected), expected.facts)
        assert self.log.recorded == before


class Given:
    """What has happened so far."""

    def __init__(self, *recorded: Recorded) -> None:
        self.log = Log(tuple(pair for some in recorded for pair in some))

    def when(self, command: Command) -> When:
        """Let the command be decided on what has happened so far."""
        return When(self.log, command)


def company(uuid: UUID, *events: object) -> Recorded:
    return _on("company", uuid, events)


def asset(uuid: UUID, *events: object) -> Recorded:
    return _on("asset", uuid, events)


def account(uuid: UUID, *events: object) -> Recorded:
    return _on("account", uuid, events)


def deal(uuid: UUID, *events: object) -> Recorded:
    return _on("deal", uuid, events)


def product(uuid: UUID, *events: object) -> Recorded:
    return _on("product", uuid, events)


def grant(uuid: UUID, *events: object) -> Recorded:
    return _on("grant", uuid, events)


def _on(category: str, uuid: UUID, events: tuple[object, ...]) -> Recorded:
    return tuple((stream_id(category, uuid), event) for event in events)


def d(text: str) -> Decimal:
    """Return the decimal; short because tables are full of them."""
    return Decimal(text)
