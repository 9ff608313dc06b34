"""A seal as the event store sees it, and where seals come from: the application records them as events of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal of the events from `first` to `last`, recorded at `position`.

    `statement` is what is signed; it includes root, bounds and the chain of the seal before. `name` is for people.
    """

    name: str
    position: int
    first: int
    last: int
    root: str
    previous: str
    block_size: int
    blocks: tuple[str, ...]
    statement: str
    chain: str
    public_key: str
    signature: str


NOTHING_BEFORE: Final = "0" * 64
"""What the first seal names as the chain of the seal before."""

Source = Callable[[int, str], Iterator[Seal]]
_sources: Final[list[Source]] = []


def register_source(source: Source) -> None:
    """Register the function that yields the seals up to a position in the log of a database, in order."""
    _sources.append(source)


def seals(up_to: int, using: str = "default") -> Iterator[Seal]:
    """Yield every seal that was recorded up to a position, in order."""
    for source in _sources:
        yield from source(up_to, using)


def chain_of(statement: str) -> str:
    """Return the value by which the next seal names this one, and which is published."""
    return sha256(statement.encode()).hexdigest()
