"""Draws a sample of the log that everybody can draw again: the same seed and position give the same sample for ever.

# Note [How a sample is drawn]
Positions have no gaps and are never given twice. So every draw is a number from 1 to P, the position of the sample: the
i-th draw is SHA-256 of the text "seed/kind/P/i", taken as a whole number, modulo P, plus 1. A draw that hits nothing of
the kind, or what was drawn before, is passed over; so each member has the same chance. A sample of lines draws from 1
to P × 4, because an event has at most four lines: the event is the quotient by four, plus 1, and the line is the
remainder, plus 1. If the log has few members of a kind, most draws would hit none. So up to FEW members are all
listed, ranked by SHA-256 of "seed/kind/P/position", or "seed/kind/P/position.line", and the first are the sample.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, islice
from typing import Final

from eventstore.log.narrow_reads import positions_of_type, which_are_of_type
from projectors.models import JournalLine
from projectors.queries.live import live

FEW: Final = 20_000
"""Up to so many members are all ranked."""
MOST_DRAWS: Final = 200_000
"""How many draws are made at most."""
MOST_LINES_OF_AN_EVENT: Final = 4
KINDS: Final = ("events", "products", "lines")
_BATCH: Final = 1000

Member = tuple[int, int]
"""A position, and a line of its event; 0 if the member is the event itself."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample. `is_ranked` says whether all members were ranked; `draws` is how many were made otherwise."""

    kind: str
    seed: str
    position: int
    members: tuple[Member, ...]
    is_ranked: bool
    population: int | None
    draws: int


def sample(kind: str, seed: str, number: int, position: int) -> Sample:
    """Return at most `number` members of a kind, in the order in which they are drawn.

    See Note [How a sample is drawn].
    """
    few = _few(kind, position)
    if few is not None:
        chosen = sorted(few, key=lambda member: (_digest(seed, kind, position, _name(member)), member))[:number]
        return Sample(kind, seed, position, tuple(chosen), is_ranked=True, population=len(few), draws=0)
    found: dict[Member, None] = {}
    draws = _draws(seed, kind, position)
    made = 0
    while len(found) < number and made < MOST_DRAWS:
        batch = list(islice(draws, _BATCH))
        made += len(batch)
        hits = _HITS[kind](batch)
        found |= dict.fromkeys(member for member in batch if member in hits)
    members = tuple(found)[:number]
    return Sample(kind, seed, position, members, is_ranked=False, population=None, draws=made)


def _few(kind: str, position: int) -> list[Member] | None:
    """Return all members of a kind, None if there are more than FEW."""
    match kind:
        case "events":
            found: list[Member] = [(each, 0) for each in range(1, min(position, FEW + 1) + 1)]
        case "products":
            found = [(each, 0) for each in positions_of_type("ProductOriginated", position, FEW + 1)]
        case _:
            lines = live(JournalLine).filter(position__lte=position).order_by("position", "line")
            found = list(lines.values_list("position", "line")[: FEW + 1])
    return found if len(found) <= FEW else None


def _draws(seed: str, kind: str, position: int) -> Iterator[Member]:
    for index in count(1):
        if kind == "lines":
            drawn = _digest(seed, kind, position, index) % (position * MOST_LINES_OF_AN_EVENT)
            yield drawn // MOST_LINES_OF_AN_EVENT + 1, drawn % MOST_LINES_OF_AN_EVENT + 1
        else:
            yield _digest(seed, kind, position, index) % position + 1, 0


def _digest(seed: str, kind: str, position: int, last: object) -> int:
    return int.from_bytes(sha256(f"{seed}/{kind}/{position}/{last}".encode()).digest(), "big")


def _name(member: Member) -> str:
    position, line = member
    return f"{position}.{line}" if line else str(position)


def _events(batch: Sequence[Member]) -> set[Member]:
    return set(batch)


def _products(batch: Sequence[Member]) -> set[Member]:
    return {(each, 0) for each in which_are_of_type("ProductOriginated", [each for each, _ in batch])}


def _lines(batch: Sequence[Member]) -> set[Member]:
    lines = live(JournalLine).filter(position__in={position for position, _ in batch})
    return set(lines.values_list("position", "line"))


_HITS: Final[dict[str, Callable[[Sequence[Member]], set[Member]]]] = {
    "events": _events,
    "products": _products,
    "lines": _lines,
}
"""By kind: which members of a batch of draws there are."""
