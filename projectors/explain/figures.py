"""What an explanation consists of: an equation with its terms, the rows that make them, and a proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Order = Literal["counts", "recorded"]
"""`counts`: by the date that an event counts for. `recorded`: by position."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Which events an explanation rests on.

    `position` is the last one that was recorded; `until` is the last business date that counts, None if every date
    counts. As known then, the position is the last one of the date; as known now, it is the head.
    """

    position: int
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One event and what it did to the figure.

    `counts_for` is its business date, `booked` its booking date; None before the first cycle. `changes` and `after`
    have one amount for each part of the figure, such as principal and fees; `total` is the sum of the parts after it.
    """

    position: int
    version: int
    type: str
    what: str
    why: str
    counts_for: date | None
    booked: date | None
    recorded_at: datetime
    change: Decimal
    changes: tuple[Decimal, ...]
    after: tuple[Decimal, ...]
    total: Decimal
    actor: str
    cause: int | None
    correlation_id: str

    @property
    def is_late(self) -> bool:
        """Whether the event entered the books on another date than the one that it counts for."""
        return self.booked != self.counts_for


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an equation: its name, whether it adds or takes away, its amount (never signed), and its events."""

    name: str
    adds: bool
    amount: Decimal
    positions: tuple[int, ...]

    @property
    def signed(self) -> Decimal:
        """The amount as it enters the sum."""
        return self.amount if self.adds else -self.amount


@dataclass(frozen=True, slots=True)
class Way:
    """One independent way to the same figure; `amount` is None if it cannot be compared, and `note` says why."""

    name: str
    amount: Decimal | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Independent ways to one figure, all at one position."""

    position: int
    ways: tuple[Way, ...]

    @property
    def agrees(self) -> bool:
        """Whether all ways that can be compared give the same amount."""
        return len({way.amount for way in self.ways if way.amount is not None}) == 1

    @property
    def is_complete(self) -> bool:
        """Whether every way can be compared."""
        return all(way.amount is not None for way in self.ways)


@dataclass(frozen=True, slots=True)
class Equation:
    """The terms of a figure, which add up to `total`; `unit` is its currency, empty if no money has moved yet."""

    terms: tuple[Term, ...]
    total: Decimal
    unit: str
    name: str


def terms_of(named: Sequence[tuple[str, bool]], amounts: dict[str, Decimal], rows: dict[str, list[int]]) -> list[Term]:
    """Return the terms in their order; `amounts` are signed as they enter the sum, `rows` are their positions."""
    return [
        Term(name, adds, amounts[name] if adds else -amounts[name], tuple(rows.get(name, ()))) for name, adds in named
    ]
