"""Looks up which company is a member: a fold of the events of all deals, cached in the process, never stale."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Lock, Thread
from typing import Final
from uuid import UUID

from django.db import connections

from eventstore import store
from eventstore.folding import Fold, Loaded
from eventstore.log.cache import must_fold_alone
from eventstore.log.payload_index import PayloadIndex
from eventstore.records import RecordedEvent
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.deal import MEMBERSHIP
from ledger.rules.aggregates.membership import Membership, Memberships

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Shared:
    """Memberships that one thread folds in place while others look companies up."""

    memberships: Memberships = field(default_factory=Memberships)
    lock: Lock = field(default_factory=Lock)

    def evolve(self, event: RecordedEvent) -> "_Shared":
        """Fold one event; the lock keeps a reader from meeting a company between two memberships."""
        deal_uuid, data = event.uuid, event.data
        with self.lock:
            membership.evolve(self.memberships, deal_uuid, data)
        return self

    def of(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one."""
        with self.lock:
            return self.memberships.of(company_uuid)


_TERMS: Final = ("DealCreated", "DealUpdated")
_ENDS_OR_ACTIVATES: Final = ("DealActivated", "DealDeleted")
_BATCH: Final = 100
_AT_ONCE: Final = 1000
"""A lookup folds so many new events itself; more of them are folded in the background."""
_FOLD = Fold(_Shared, _Shared.evolve)

DEALS_OF_COMPANY: Final = PayloadIndex(
    "ledger_membership_deals", _TERMS, ("companies", 0, "company_uuid"), ("product_line_id",), str(MEMBERSHIP)
)
"""Finds every membership deal that has ever named a company."""


class MembershipCache:
    """The memberships of one database; safe in any number of threads.

    # Note [An index answers until the memberships are folded]
    To fold all deals takes seconds after the start of a process, so it happens in a thread of its own. Until it is
    done, and whenever the fold cannot be used or another thread is at it, a lookup reads the few deals that have ever
    named its company, which an index of the log finds. Both answers are those of the log, so none is ever stale.
    """

    def __init__(self, using: str = "default") -> None:
        self._using = using
        self._kept = Loaded(_Shared())
        self._folding = Lock()
        self._cleared = 0

    def lookup(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one, after reading the deal events that are new."""
        kept = self._kept
        if not self._is_current(kept):
            # A transaction may read events that are never committed.
            current = None if must_fold_alone(self._using) else self._caught_up()
            if current is None:
                return self.lookup_at(company_uuid, store.head(self._using).position)
            kept = current
        return kept.state.of(company_uuid)

    def lookup_at(self, company_uuid: UUID, position: int) -> Membership:
        """Return the company's membership as of a position, or the empty one.

        Only the deals that have ever named the company are read, and of each only its last terms. The last terms that
        name the company decide: earlier ones are replaced, and a deal that went on to another company ended its own.
        """
        streams = DEALS_OF_COMPANY.streams(str(company_uuid), position, self._using)
        terms = store.latest(streams, _TERMS, position, self._using)
        moved_at = 0
        for event in sorted(terms.values(), key=lambda event: event.position, reverse=True):
            if event.position < moved_at:
                break
            if membership.member_of(event.data) == company_uuid:
                return self._since(event, position)
            moved_at = max(moved_at, self._last_naming(company_uuid, event))
        return membership.EMPTY

    def _since(self, terms: RecordedEvent, position: int) -> Membership:
        """Return the membership that begins with these terms of a deal, as of a position."""
        held = Membership(terms.data.rating_tier, terms.uuid)
        newest = store.latest([terms.stream_id], _ENDS_OR_ACTIVATES, position, self._using).get(terms.stream_id)
        if newest is None or newest.position < terms.position:
            return held
        return replace(held, activated=True) if newest.type == "DealActivated" else membership.EMPTY

    def _last_naming(self, company_uuid: UUID, terms: RecordedEvent) -> int:
        """Return the position of the last terms before these that name the company; 0 if none do."""
        earlier = store.read_stream(
            terms.stream_id, up_to=terms.position - 1, backwards=True, batch_size=_BATCH, using=self._using
        )
        naming = (event.position for event in earlier if membership.member_of(event.data) == company_uuid)
        return next(naming, 0)

    def hydrate(self) -> None:
        """Fold all deal events that are not folded yet."""
        with self._folding:
            self._fold_all()

    def clear(self) -> None:
        """Forget everything."""
        self._cleared += 1
        self._kept = Loaded(_Shared())

    def _is_current(self, known: Loaded[_Shared]) -> bool:
        """Say whether the last deal event known is there, and is the newest."""
        events = self._read_from(known, limit=2)
        newest = next(events, None)
        if newest is None:
            return not known.position
        return known.ends_with(newest) and next(events, None) is None

    def _caught_up(self) -> Loaded[_Shared] | None:
        """Return the memberships with the events since then; None if another thread folds them or there are many."""
        if not self._folding.acquire(blocking=False):
            return None
        is_handed_on = False
        try:
            if self._is_long(self._kept):
                start_thread(self._hydrate_and_release)
                is_handed_on = True
                return None
            return self._fold_all()
        finally:
            if not is_handed_on:
                self._folding.release()

    def _is_long(self, known: Loaded[_Shared]) -> bool:
        """Say whether a fold from a state on, or from the beginning if the log is another one, has many events."""
        events = list(self._read_from(known, limit=_AT_ONCE + 1))
        if known.position and not (events and known.ends_with(events[0])):
            events = list(self._read_from(Loaded(_Shared()), limit=_AT_ONCE + 1))
        return len(events) > _AT_ONCE

    def _fold_all(self) -> Loaded[_Shared]:
        """Fold what is new; the caller holds the lock of folding."""
        kept, cleared = self._kept, self._cleared
        # The state is folded in place: if an event cannot be read, nobody may meet a state that is half-way.
        self._kept = Loaded(_Shared())
        folded = _FOLD.up_to_date(kept, self._read_from)
        if cleared == self._cleared:
            self._kept = folded
        return folded

    def _hydrate_and_release(self) -> None:
        """Fold what is new in a thread of its own, which has taken over the lock of folding."""
        try:
            self._fold_all()
        except Exception:
            _logger.exception("memberships are not folded; an index answers")
        finally:
            self._folding.release()
            connections[self._using].close()

    def _read_from(self, known: Loaded[_Shared], limit: int | None = None) -> Iterator[RecordedEvent]:
        return store.read_all(after=max(known.position - 1, 0), category="deal", limit=limit, using=self._using)


def start_thread(work: Callable[[], None]) -> None:
    """Do work in a thread that does not keep the process from ending."""
    Thread(target=work, name="memberships", daemon=True).start()


_caches: dict[str, MembershipCache] = {}


def lookup(company_uuid: UUID, position: int | None = None, using: str = "default") -> Membership:
    """Return a company's membership, or the empty one: now, or as of a position that `as_of.resolve` has returned."""
    known = _cache(using)
    return known.lookup(company_uuid) if position is None else known.lookup_at(company_uuid, position)


def hydrate(using: str = "default") -> None:
    """Fold all deals now, which lookups otherwise leave to a thread in the background."""
    _cache(using).hydrate()


def _cache(using: str) -> MembershipCache:
    return _caches.get(using) or _caches.setdefault(using, MembershipCache(using))


def reset() -> None:
    """Forget every membership, for example after the database was replaced."""
    for known in list(_caches.values()):
        known.clear()
