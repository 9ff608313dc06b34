"""The state of any company, asset, account, deal, product or grant, now or as of a position."""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from eventstore import payloads, store
from eventstore.folding import Loaded
from eventstore.log.cache import AggregateCache
from eventstore.log.reads import read_streams
from eventstore.log.snapshots import fingerprint_of
from ledger import rules
from ledger.rules import decide
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.aggregates.deal import Deal
from ledger.rules.aggregates.grant import Grant
from ledger.rules.aggregates.product import Product
from ledger.rules.facts import stream_id


@functools.cache
def cache_of(category: str, using: str) -> AggregateCache[Any]:
    """Return the process's cache of a category, made on first use; raises KeyError for an unknown category."""
    initial, evolve = decide.STATES[category]
    return AggregateCache(initial, evolve, settings.AGGREGATE_CACHE_SIZE, using, _fingerprint())


@functools.cache
def _fingerprint() -> str:
    """Return the fingerprint of the code that makes a state of stored events."""
    return fingerprint_of(rules, payloads)


def wrong_snapshots(most: int, using: str = "default") -> Iterator[str]:
    """Compare the newest kept snapshots of each category with folds of all their events; yield what differs."""
    for category in decide.STATES:
        yield from cache_of(category, using).wrong_snapshots(category, most)


def state(category: str, uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Any]:
    """Return an aggregate's state with the version and position of its last event, both 0 if it has no event.

    The state is that of now, or as of `position`, which is one that `as_of.resolve` has returned.
    """
    if position is None:
        return state_and_head(category, uuid, using)[0]
    return cache_of(category, using).load_at(stream_id(category, uuid), position)


class Current(NamedTuple):
    """Aggregates by stream id and the head of the log, as they were at one moment."""

    states: dict[str, Loaded[Any]]
    head: int


def states_of(streams: Iterable[str], using: str = "default") -> Current:
    """Return the aggregates of streams as they are now: one query for all of them and the head."""
    caches = {stream: cache_of(stream.partition("-")[0], using) for stream in streams}
    kept = {stream: cache.kept(stream) for stream, cache in caches.items()}
    # See Note [A reader remembers its last event]
    after = {stream: max(known.version - 1, 0) for stream, known in kept.items()}
    read = read_streams(after, using)
    states = {
        stream: cache.with_new_events(stream, kept[stream], read.events[stream]) for stream, cache in caches.items()
    }
    return Current(states, read.head)


def state_and_head(category: str, uuid: UUID, using: str = "default") -> tuple[Loaded[Any], int]:
    """Return an aggregate as it is now, and the head of the log at that moment or before it."""
    stream = stream_id(category, uuid)
    current = states_of([stream], using)
    return current.states[stream], current.head


def version_at(category: str, uuid: UUID, position: int, using: str = "default") -> int:
    """Return the version of an aggregate as of a position, which is how many events its state is folded from."""
    events = store.read_stream(stream_id(category, uuid), up_to=position, backwards=True, limit=1, using=using)
    return next((event.version for event in events), 0)


def company(uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Company]:
    """Return a company, now or as of a position."""
    return state("company", uuid, position, using)


def asset(uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Asset]:
    """Return an asset, now or as of a position."""
    return state("asset", uuid, position, using)


def account(uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Account]:
    """Return a funding account, now or as of a position."""
    return state("account", uuid, position, using)


def deal(uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Deal]:
    """Return a deal, now or as of a position."""
    return state("deal", uuid, position, using)


def product(uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Product]:
    """Return a product, now or as of a position."""
    return state("product", uuid, position, using)


def grant(uuid: UUID, position: int | None = None, using: str = "default") -> Loaded[Grant]:
    """Return a grant, now or as of a position."""
    return state("grant", uuid, position, using)
