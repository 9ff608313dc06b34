"""What the clients of a history ask, drawn by chance: few companies and accounts, so that they collide."""

from collections.abc import Sequence
from random import Random
from typing import Final

from tests.support.histories.books import (
    Close,
    Command,
    DeleteDeal,
    Fund,
    Grant,
    Look,
    Originate,
    PayOut,
    Question,
    ReadLog,
)

COMPANIES: Final = ("company-1", "company-2")
ACCOUNTS: Final = ("account-1", "account-2")
DEAL: Final = "deal-1"
FUNDS: Final = {"company-1": 10_000, "company-2": 6_000}
"""What each company has at the beginning, in cents."""

Program = tuple[Question, ...]


class Drawn:
    """The programs of one history's clients; the same for the same seed."""

    def __init__(self, seed: int, clients: int, length: int) -> None:
        self._chance = Random(seed)
        self._made = 0
        twins = [self._twins(f"key {number}") for number in range(2)]
        programs = [[self._question() for _ in range(length)] for _ in range(clients)]
        for pair in twins:
            place = self._chance.randrange(length)
            for program, twin in zip(self._chance.sample(programs, 2), pair, strict=True):
                program[place] = twin
        self.programs: Sequence[Program] = [tuple(program) for program in programs]

    def _question(self) -> Question:
        draw = self._chance.choices(
            (self._command, lambda: Look(self._chance.choice(COMPANIES + ACCOUNTS)), ReadLog), (8, 2, 1)
        )[0]
        return draw()

    def _command(self, key: str | None = None) -> Command:
        chance = self._chance
        kind = chance.choices((Grant, Fund, PayOut, Originate, Close, DeleteDeal), (9, 4, 4, 4, 1, 1))[0]
        amount = chance.choice((100, 2_500, 6_000, 9_000, 12_000))
        account = chance.choice(ACCOUNTS)
        if kind is Grant:
            return Grant(self._name("grant"), self._sources(), account, amount, key)
        if kind is Fund:
            return Fund(chance.choice(COMPANIES), amount, key)
        if kind is PayOut:
            return PayOut(account, amount, key)
        if kind is Originate:
            return Originate(self._name("product"), DEAL, amount, key)
        return Close(account, key) if kind is Close else DeleteDeal(DEAL, key)

    def _twins(self, key: str) -> tuple[Command, Command]:
        """Return the same command twice under one key; a grant or product may have got another name each time."""
        first = self._chance.choice(
            (Close(ACCOUNTS[0], key), DeleteDeal(DEAL, key), self._command(key), self._all(key))
        )
        if isinstance(first, Grant) and self._chance.random() < 0.5:
            return first, Grant(self._name("grant"), first.sources, first.account, first.amount, key)
        return first, first

    def _all(self, key: str) -> Grant:
        """Return a grant of all that a company has, which can be recorded once only."""
        return Grant(self._name("grant"), (COMPANIES[0],), ACCOUNTS[1], FUNDS[COMPANIES[0]], key)

    def _sources(self) -> tuple[str, ...]:
        return tuple(self._chance.sample(COMPANIES, self._chance.choice((1, 2, 2))))

    def _name(self, category: str) -> str:
        self._made += 1
        return f"{category}-{100 + self._made}"
