"""Looks up which company is a member: a fold of the events of all deals, cached in the process, never stale."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final
from uuid import UUID

from eventstore import store
from eventstore.folding import Fold, Loaded
from eventstore.log.cache import must_fold_alone
from eventstore.records import RecordedEvent
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.membership import Membership, Memberships
from ledger.rules.facts import stream_id


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

    def deals_of(self, company_uuid: UUID) -> tuple[UUID, ...]:
        """Return every membership deal that has ever named the company."""
        with self.lock:
            return self.memberships.deals_of.get(company_uuid, ())

    def copy(self) -> "_Shared":
        """Return a copy, which can be folded further without changing this one."""
        with self.lock:
            known = self.memberships
            copied = Memberships(dict(known.by_company), dict(known.company_of_deal), dict(known.deals_of))
            return _Shared(copied)


_TERMS: Final = ("DealCreated", "DealUpdated")
_ENDS_OR_ACTIVATES: Final = ("DealActivated", "DealDeleted")
_BATCH: Final = 100
_FOLD = Fold(_Shared, _Shared.evolve)


class MembershipCache:
    """The memberships of one database; safe in any number of threads.

    A process that looks up inside transactions looks up once outside one first; otherwise each lookup reads all deals.
    """

    def __init__(self, using: str = "default") -> None:
        self._using = using
        self._kept = Loaded(_Shared())
        self._folding = Lock()

    def lookup(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one, after reading the deal events that are new."""
        return self._current().of(company_uuid)

    def lookup_at(self, company_uuid: UUID, position: int) -> Membership:
        """Return the company's membership as of a position, or the empty one.

        Only the deals that have ever named the company are read, and of each only its last terms. The last terms that
        name the company decide: earlier ones are replaced, and a deal that went on to another company ended its own.
        """
        streams = [stream_id("deal", uuid) for uuid in self._current().deals_of(company_uuid)]
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

    def _current(self) -> _Shared:
        """Return the memberships after reading the deal events that are new."""
        kept = self._kept
        if self._is_current(kept):
            return kept.state
        with self._folding:
            return self._caught_up().state

    def clear(self) -> None:
        """Forget everything."""
        self._kept = Loaded(_Shared())

    def _is_current(self, known: Loaded[_Shared]) -> bool:
        """Say whether the last deal event known is there, and is the newest."""
        events = self._read_from(known, limit=2)
        newest = next(events, None)
        if newest is None:
            return not known.position
        return known.ends_with(newest) and next(events, None) is None

    def _caught_up(self) -> Loaded[_Shared]:
        kept = self._kept
        if must_fold_alone(self._using):
            return _FOLD.up_to_date(replace(kept, state=kept.state.copy()), self._read_from)
        # The state is folded in place: if an event cannot be read, nobody may meet a state that is half-way.
        self._kept = Loaded(_Shared())
        self._kept = _FOLD.up_to_date(kept, self._read_from)
        return self._kept

    def _read_from(self, known: Loaded[_Shared], limit: int | None = None) -> Iterator[RecordedEvent]:
        return store.read_all(after=max(known.position - 1, 0), category="deal", limit=limit, using=self._using)


_caches: dict[str, MembershipCache] = {}


def lookup(company_uuid: UUID, position: int | None = None, using: str = "default") -> Membership:
    """Return a company's membership, or the empty one: now, or as of a position that `as_of.resolve` has returned."""
    known = _caches.get(using) or _caches.setdefault(using, MembershipCache(using))
    return known.lookup(company_uuid) if position is None else known.lookup_at(company_uuid, position)


def reset() -> None:
    """Forget every membership, for example after the database was replaced."""
    for known in list(_caches.values()):
        known.clear()
