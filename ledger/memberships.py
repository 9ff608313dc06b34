"""Which company is a member: the fold of all deals, kept in the process and never behind its caller."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.db import connections

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.membership import Membership, Memberships


@dataclass(slots=True)
class _Folded:
    """Memberships and the last deal event that they were folded from."""

    memberships: Memberships = field(default_factory=Memberships)
    seen: tuple[int, datetime] | None = None
    lock: Lock = field(default_factory=Lock)

    def fold(self, event: RecordedEvent) -> None:
        """Fold one event; the lock keeps a reader from meeting a company between two memberships."""
        deal_uuid, data = event.uuid, event.data
        with self.lock:
            membership.evolve(self.memberships, deal_uuid, data)
            self.seen = (event.position, event.recorded_at)

    def of(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one."""
        with self.lock:
            return self.memberships.of(company_uuid)

    def copy(self) -> "_Folded":
        """Return a copy that can be folded further without this one's knowing."""
        with self.lock:
            known = self.memberships
            return _Folded(Memberships(dict(known.by_company), dict(known.company_of_deal)), self.seen)


class MembershipCache:
    """The memberships of one database; safe in any number of threads.

    What is read inside a transaction is folded for that caller alone, for it may never be committed; a process that
    looks up within transactions should have looked up outside one before, or each lookup reads all deals.
    """

    def __init__(self, using: str = "default") -> None:
        self._using = using
        self._kept = _Folded()
        self._catching_up = Lock()

    def lookup(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one, after one look at the deal events not yet seen."""
        kept = self._kept
        unseen = self._unseen(kept)
        first = None if unseen is None else next(unseen, None)
        if unseen is not None and first is None:
            return kept.of(company_uuid)
        if connections[self._using].in_atomic_block:
            alone = _Folded() if unseen is None else kept.copy()
            return self._caught_up(alone).of(company_uuid)
        with self._catching_up:
            self._kept = self._caught_up(self._kept)
        return self._kept.of(company_uuid)

    def lookup_at(self, company_uuid: UUID, position: int) -> Membership:
        """Return the company's membership as of a position, or the empty one; reads all deals up to there."""
        folded = _Folded()
        for event in store.read_all(category="deal", up_to=position, using=self._using):
            folded.fold(event)
        return folded.of(company_uuid)

    def clear(self) -> None:
        """Forget everything."""
        self._kept = _Folded()

    def _caught_up(self, folded: _Folded) -> _Folded:
        """Fold what is unseen, in batches; all anew, from the first deal on, where the store is another one."""
        unseen = self._unseen(folded)
        if unseen is None:
            folded = _Folded()
            unseen = store.read_all(category="deal", using=self._using)
        for event in unseen:
            folded.fold(event)
        return folded

    def _unseen(self, folded: _Folded) -> Iterator[RecordedEvent] | None:
        """Return the deal events after the last one seen, or None where that is no longer the same."""
        # See Note [A reader remembers its last event]
        seen = folded.seen
        if seen is None:
            return store.read_all(category="deal", using=self._using)
        events = store.read_all(after=seen[0] - 1, category="deal", using=self._using)
        last = next(events, None)
        return events if last is not None and (last.position, last.recorded_at) == seen else None


_caches: dict[str, MembershipCache] = {}


def lookup(company_uuid: UUID, position: int | None = None, using: str = "default") -> Membership:
    """Return a company's membership, or the empty one: now, or as of a position that `as_of.resolve` has returned."""
    known = _caches.get(using) or _caches.setdefault(using, MembershipCache(using))
    return known.lookup(company_uuid) if position is None else known.lookup_at(company_uuid, position)


def reset() -> None:
    """Forget every membership, as after the database was exchanged."""
    for known in list(_caches.values()):
        known.clear()
