"""Fifty clients at once through a live server: grants from shared sources under repeated and colliding keys."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import connections

from eventstore import store
from eventstore.json_values import to_json
from eventstore.records import Appended
from ledger.rules.commands import GrantBalances
from ledger.rules.refusals.balances import AccountNotActive, InsufficientFunds, SourceWithoutBalance
from tests.support.api.calling import new_token
from tests.support.databases import Database
from tests.support.ledger.folded_log import History
from tests.support.ledger.market import Attempt, Market, check_money, is_true
from tests.support.ledger.portfolio import together
from tests.support.webserver import Answer, Serve, WebServer

GRANTING: Final = 42
FUNDING: Final = 5
CLOSING: Final = 3
EACH: Final = 10
KEYS: Final = 160
"""Fewer than are asked for, so that keys are repeated; every fourth has two bodies, and so collides."""


@dataclass(frozen=True, slots=True)
class Order:
    """A grant that any of the clients may request under a key; the server makes its uuid."""

    key: str
    command: GrantBalances

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        body: dict[str, Any] = to_json(self.command)
        del body["grant_uuid"]
        return body


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered, and the head before and afterwards."""

    order: Order
    before: int
    answer: Answer
    after: int

    @property
    def slug(self) -> str:
        """The kind of problem; `recorded` if there was none."""
        return "recorded" if self.answer.status == 201 else self.answer.json()["type"].rpartition("/")[2]


class Exchange:
    """A market whose clients come over HTTP."""

    def __init__(self, server: WebServer) -> None:
        self.market, self.server = Market(), server
        self.begun = store.head().position
        self.headers = {"Authorization": f"Bearer {new_token('robot')}"}
        chance = Random(1)
        self.orders = [
            Order(f"key {number}", self.market.order(chance))
            for number in range(KEYS)
            for _ in range(1 if number % 4 else 2)
        ]

    def grants(self, number: int) -> list[Answered]:
        """Ask for some of the grants, as chance has it."""
        chance, on = Random(number), self.server.connect()
        answered = []
        for order in chance.choices(self.orders, k=EACH):
            before = store.head().position
            headers = {**self.headers, "Idempotency-Key": order.key}
            answer = self.server.ask("POST", "/api/commands/grant-balances", order.body, headers, on=on)
            answered.append(Answered(order, before, answer, store.head().position))
        on.close()
        return answered

    def funds(self) -> list[Answered]:
        """Put ten cents into one source after the other, under keys that all funding threads share."""
        on = self.server.connect()
        for each in range(EACH):
            source = self.market.sources[each % len(self.market.sources)]
            body = {f"{source.from_type}_uuid": str(source.from_uuid), "amount": "0.10", "reference": f"more {each}"}
            headers = {**self.headers, "Idempotency-Key": f"more {each}"}
            answer = self.server.ask("POST", f"/api/commands/fund-{source.from_type}", body, headers, on=on)
            assert answer.status == 201, answer.body
        on.close()
        return []

    def closes(self, accounts: list[UUID]) -> list[Answered]:
        """Close accounts, one after the other."""
        for account in accounts:
            self.market.close(account)
        return []


def as_attempt(answered: Answered, up_to: int) -> Attempt:
    """Return the answer as the service layer's result; a refusal must have been true before `up_to`."""
    figures = answered.answer.json()
    outcome: Appended | Exception
    match answered.slug:
        case "recorded":
            first, last = figures["events"][0]["position"], figures["position"]
            outcome = Appended(tuple(store.read_batch(from_position=first, up_to=last, limit=100)))
        case "insufficient-funds":
            available, requested = Decimal(figures["available"]), Decimal(figures["requested"])
            outcome = InsufficientFunds(available=available, requested=requested, currency=figures["currency"])
        case "source-without-balance":
            outcome = SourceWithoutBalance(from_type=figures["from_type"], from_uuid=UUID(figures["from_uuid"]))
        case "account-not-active":
            account_uuid = UUID(figures["account_uuid"])
            outcome = AccountNotActive(account_uuid=account_uuid, status=figures["account_status"])
        case _:
            raise AssertionError(figures)
    return Attempt(answered.order.command, answered.before, outcome, min(answered.after, up_to))


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql":
        pytest.skip("many at once are for PostgreSQL")


def test_every_cent_is_accounted_for_and_every_answer_is_true(database: Database, serve: Serve) -> None:
    exchange = Exchange(serve(WEB_WORKERS="2", WEB_THREADS="16"))
    closing = list(exchange.market.accounts)[:CLOSING]
    work: list[Callable[[], list[Answered]]] = [partial(exchange.grants, number) for number in range(GRANTING)]
    work += [exchange.funds] * FUNDING
    work += [partial(exchange.closes, [account]) for account in closing]
    answers = together(*work)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    answered = [one for answer in answers if isinstance(answer, list) for one in answer]
    assert len(answered) == GRANTING * EACH
    history = History()
    connections.close_all()

    check_money(history)
    check_keys(answered, history)
    recorded = {one.order: one.answer.json()["position"] for one in answered if one.slug == "recorded"}
    for one in answered:
        if one.slug != "idempotency-key-reused":
            # A twin's refusal is of before the twin's success, of which it cannot be the reason.
            own = recorded.get(one.order, one.after + 1) if one.slug != "recorded" else one.after + 1
            assert is_true(as_attempt(one, own - 1), history), one
    outcomes = Counter(one.slug for one in answered)
    assert outcomes["recorded"] > len(recorded), "no key was repeated"
    assert outcomes["idempotency-key-reused"] > 0, "no key collided"
    assert outcomes["account-not-active"] + outcomes["insufficient-funds"] + outcomes["source-without-balance"] > 0


def check_keys(answered: list[Answered], history: History) -> None:
    """Fail unless each key recorded one thing, answered each repeat alike, and refused every other command."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    orders: dict[str, set[Order]] = defaultdict(set)
    for one in answered:
        if one.slug == "recorded":
            bodies[one.order.key].add(one.answer.body)
            orders[one.order.key].add(one.order)
    assert all(len(found) == 1 for found in bodies.values())
    assert all(len(found) == 1 for found in orders.values())
    for one in answered:
        if one.slug == "idempotency-key-reused":
            assert orders[one.order.key] not in (set(), {one.order})
    assert len(bodies) == sum(event.type == "BalancesGranted" for event in history.events)
    funded = [event.data.reference for event in history.events if event.data.__class__.__name__.endswith("Funded")]
    more = Counter(reference for reference in funded if reference.startswith("more"))
    assert more == Counter(f"more {each}" for each in range(EACH))
