"""Executes commands: load the facts, decide, append, and decide again after a version conflict.

# Note [Every stream looked at is checked]
A decision rests on the states that it has read. Facts note the version of each stream that a decision reads, and the
append checks all of them, including those that it does not write: if an account is closed while a grant is decided,
the append fails and the grant is decided again. A refusal appends nothing and so has no such check. Therefore it is
returned only if none of the streams has grown since they were read; otherwise it could name a sum of balances that
never existed at one time.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError

from eventstore import store
from eventstore.errors import WrongExpectedVersion
from eventstore.folding import Loaded
from eventstore.log.recovery import find_after_commit
from eventstore.records import Appended, Context, IdempotencyKey, NewEvent
from ledger import currencies, states
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.aggregates.deal import Deal
from ledger.rules.aggregates.grant import Grant
from ledger.rules.aggregates.product import Product
from ledger.rules.commands import Command
from ledger.rules.decide import STATES, Decision, decide
from ledger.rules.facts import stream_id
from ledger.rules.refusals.base import Refusal

MAX_POSITION = 2**63 - 1
"""The largest position that a database column holds; a client may send a larger number."""


class LoadedFacts:
    """The facts of a decision, read through the caches; `expected` has the version of each stream that was read.

    `also_expected` are versions that the caller rests on, and not the decision.
    """

    def __init__(self, using: str, also_expected: Mapping[str, int] | None = None) -> None:
        self._using = using
        self.also_expected = also_expected or {}
        self._states: dict[str, Any] = {}
        self._preloaded: dict[str, Loaded[Any]] = {}
        self._replaced: list[tuple[str, Any]] = []
        self.expected: dict[str, int] = {}

    def company(self, uuid: UUID) -> Company:
        """Return the company as it is now."""
        company: Company = self._state("company", uuid)
        return company

    def asset(self, uuid: UUID) -> Asset:
        """Return the asset as it is now."""
        asset: Asset = self._state("asset", uuid)
        return asset

    def account(self, uuid: UUID) -> Account:
        """Return the funding account as it is now."""
        account: Account = self._state("account", uuid)
        return account

    def deal(self, uuid: UUID) -> Deal:
        """Return the deal as it is now."""
        deal: Deal = self._state("deal", uuid)
        return deal

    def product(self, uuid: UUID) -> Product:
        """Return the product as it is now."""
        product: Product = self._state("product", uuid)
        return product

    def grant(self, uuid: UUID) -> Grant:
        """Return the grant as it is now."""
        grant: Grant = self._state("grant", uuid)
        return grant

    def event(self, position: int) -> tuple[str, object] | None:
        """Return the stream id and the data of the event at a position, or None."""
        if not 0 < position <= MAX_POSITION:
            return None
        recorded = store.read_event(position, self._using)
        return None if recorded is None else (recorded.stream_id, recorded.data)

    def minor_digits(self, currency: str) -> int:
        """Return the number of digits that the currency has after the point; raises UnknownCurrency."""
        return currencies.minor_digits(currency)

    def states(self) -> dict[str, Any]:
        """Return the states that were read so far, with what `apply` made of them, by stream."""
        return dict(self._states)

    def preload(self, commands: Iterable[Command]) -> None:
        """Read the streams that commands name, in one query; a decision reads others by itself."""
        streams = {stream for command in commands for stream in streams_named_by(command)}
        self._preloaded = states.states_of(streams, self._using).states if streams else {}

    def have_moved(self) -> bool:
        """Say whether a stream has grown since it was read: then the states may never have existed at one time."""
        # See Note [Every stream looked at is checked]
        return len(self.expected) > 1 and self.moved() is not None

    def moved(self) -> WrongExpectedVersion | None:
        """Return the first stream that has grown since it was read, if there is one."""
        actual = store.versions(list(self.expected), self._using)
        changed = (
            WrongExpectedVersion(stream, version, actual[stream])
            for stream, version in self.expected.items()
            if actual[stream] != version
        )
        return next(changed, None)

    def check_also_expected(self) -> None:
        """Raise WrongExpectedVersion if a stream is not at the version that the caller rests on."""
        for stream, version in self.also_expected.items():
            actual = _version_of(stream, self._using)
            if actual != version:
                raise WrongExpectedVersion(stream, version, actual)

    def apply(self, decision: Decision) -> None:
        """Let the next decision see what this one will record. The versions to check stay those that were read."""
        for stream, event in decision:
            category, _, uuid = stream.partition("-")
            _, evolve = STATES[category]
            before = self._state(category, UUID(uuid))
            self._replaced.append((stream, before))
            self._states[stream] = evolve(before, event)

    def keep(self) -> None:
        """Let what was applied since the last `keep` stay."""
        self._replaced.clear()

    def undo(self) -> None:
        """Take back what was applied since the last `keep`."""
        while self._replaced:
            stream, before = self._replaced.pop()
            self._states[stream] = before

    def _state(self, category: str, uuid: UUID) -> Any:
        stream = stream_id(category, uuid)
        if stream not in self.expected:
            loaded = self._preloaded.get(stream) or states.state(category, uuid, using=self._using)
            self._states[stream], self.expected[stream] = loaded.state, loaded.version
        return self._states[stream]


def streams_named_by(part: object) -> Iterator[str]:
    """Yield the streams that a command names by uuid, also in the lists that it has."""
    for field in dataclasses.fields(part):  # type: ignore[arg-type] # commands and their parts are dataclasses
        value = getattr(part, field.name)
        if isinstance(value, UUID):
            named = getattr(part, "from_type", "") if field.name == "from_uuid" else field.name.removesuffix("_uuid")
            category = named.rpartition("_")[2]
            if category in STATES:
                yield stream_id(category, value)
        elif isinstance(value, tuple):
            for item in value:
                if dataclasses.is_dataclass(item):
                    yield from streams_named_by(item)


def _version_of(stream: str, using: str) -> int:
    newest = next(store.read_stream(stream, backwards=True, limit=1, using=using), None)
    return 0 if newest is None else newest.version


def execute(  # noqa: PLR0913 - the command, its context and its key
    command: Command,
    *,
    actor: str,
    correlation_id: str | None = None,
    causation: int | None = None,
    key: IdempotencyKey | None = None,
    metadata: Mapping[str, Any] | None = None,
    expected: Mapping[str, int] | None = None,
    using: str = "default",
) -> Appended:
    """Decide a command and record its events, all or none, or raise the Refusal that names the broken rule.

    See Note [Every stream looked at is checked]: the append checks every stream that the decision has read.

    `expected` are versions of further streams, on which the caller rests and not the decision; if one of them has
    changed, WrongExpectedVersion is raised at once.

    If the same was recorded before under `key`, those first events are returned, as `repeated`. Also raises what
    `store.append` raises; after OutcomeUnknown nothing is sent again.
    """
    context = Context(actor, correlation_id or str(uuid4()), causation, metadata or {})
    for _ in range(settings.COMMAND_MAX_ATTEMPTS - 1):
        facts = LoadedFacts(using, expected)
        try:
            return _decide_and_append(command, facts, context, key, using)
        except WrongExpectedVersion as conflict:
            if expected is not None and conflict.stream_id in expected:
                raise
        except Refusal as refusal:
            if facts.have_moved():
                continue
            return _recorded_before(refusal, facts, key, using)
    return _last_attempt(command, LoadedFacts(using, expected), context, key, using)


def _last_attempt(
    command: Command, facts: LoadedFacts, context: Context, key: IdempotencyKey | None, using: str
) -> Appended:
    """Decide while holding the append lock, so that a command that loses every race gets its turn."""
    appended: Appended | None = None
    try:
        with store.append_lock(using):
            appended = _decide_and_append(command, facts, context, key, using)
    except Refusal as refusal:
        return _recorded_before(refusal, facts, key, using)
    except (OperationalError, InterfaceError) as error:
        if appended is None:
            raise  # Nothing was committed.
        find_after_commit(appended.events[-1], error, using)
    return appended


def _decide_and_append(
    command: Command, facts: LoadedFacts, context: Context, key: IdempotencyKey | None, using: str
) -> Appended:
    facts.preload([command])
    events = [NewEvent(stream, data) for stream, data in decide(command, facts)]
    # The caller's version of a stream goes before that of the decision, which may be newer.
    return store.append(events, context, expected={**facts.expected, **facts.also_expected}, key=key, using=using)


def _recorded_before(refusal: Refusal, facts: LoadedFacts, key: IdempotencyKey | None, using: str) -> Appended:
    """Return what the same key has recorded, because that causes the refusal; otherwise raise the refusal."""
    recorded = None if key is None else store.recorded_under(key, using)
    if recorded is not None:
        return recorded
    facts.check_also_expected()
    if facts.expected:
        # A refusal such as "already exists" must rest on durable events only: a crash could take others back.
        store.barrier(using)
    raise refusal
