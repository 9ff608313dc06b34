"""Where the rules meet the rows: look, decide, append, and decide again where the race for a version was lost.

# Note [Every stream looked at is checked]
A decision is only as good as what it rests on. Facts note the version of each stream that a decision looks at, and the
append checks all of them, also those that it does not write to: an account that is closed while a grant is decided
makes the append fail, and the grant is decided again. A refusal appends nothing that could fail; so it is told only
where none of the streams has moved since it was looked at. Otherwise it might give a sum of balances that never were
at one time.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from eventstore import store
from eventstore.errors import OutcomeUnknown, WrongExpectedVersion
from eventstore.records import Appended, Context, IdempotencyKey, NewEvent
from ledger import currencies, states
from ledger.rules import decide as decisions
from ledger.rules.aggregates.account import Account
from ledger.rules.aggregates.asset import Asset
from ledger.rules.aggregates.company import Company
from ledger.rules.aggregates.deal import Deal
from ledger.rules.aggregates.grant import Grant
from ledger.rules.aggregates.product import Product
from ledger.rules.commands import Command
from ledger.rules.facts import stream_id
from ledger.rules.refusals.base import Refusal

MAX_POSITION = 2**63 - 1
"""What a database's number can hold; a client may name anything."""


class LoadedFacts:
    """What a decision may look at, through the caches; `expected` has the version of each stream looked at.

    `also_expected` are versions that the caller, and not the decision, rests on.
    """

    def __init__(self, using: str, also_expected: Mapping[str, int] | None = None) -> None:
        self._using = using
        self.also_expected = also_expected or {}
        self._states: dict[str, Any] = {}
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
        """Return stream id and data of the event at a position, or None."""
        if not 0 < position <= MAX_POSITION:
            return None
        recorded = store.read_event(position, self._using)
        return None if recorded is None else (recorded.stream_id, recorded.data)

    def minor_digits(self, currency: str) -> int:
        """Return how many digits the currency has after the point; raises UnknownCurrency."""
        return currencies.minor_digits(currency)

    def have_moved(self) -> bool:
        """Say whether one of the streams looked at has grown since, so that they may never have been so at one time."""
        return len(self.expected) > 1 and any(
            version != _version_of(stream, self._using) for stream, version in self.expected.items()
        )

    def _state(self, category: str, uuid: UUID) -> Any:
        stream = stream_id(category, uuid)
        if stream not in self.expected:
            loaded = states.state(category, uuid, using=self._using)
            self._states[stream], self.expected[stream] = loaded.state, loaded.version
        return self._states[stream]


def _version_of(stream: str, using: str) -> int:
    newest = next(store.read_stream(stream, backwards=True, limit=1, using=using), None)
    return 0 if newest is None else newest.version


def execute(  # noqa: PLR0913 - who, in which conversation, why, and under which key
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
    """Decide a command and record its events, all or none, or raise the Refusal that says which rule it breaks.

    `expected` are versions of further streams, on which not the decision but the caller rests; where one of them is no
    longer so, WrongExpectedVersion is raised at once.

    With a `key` that has recorded the same before, the first events are returned as `repeated`. Raises also what
    `store.append` raises; OutcomeUnknown is never tried again here.
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
    """Decide while nobody else can append, so that a command that always loses gets its turn."""
    appended: Appended | None = None
    try:
        with store.append_lock(using):
            appended = _decide_and_append(command, facts, context, key, using)
    except Refusal as refusal:
        return _recorded_before(refusal, facts, key, using)
    except (OperationalError, InterfaceError) as error:
        connection = connections[using]
        if appended is None or connection.in_atomic_block or connection.vendor != "postgresql":
            raise  # nothing was committed
        return _found_after_all(appended, error, using)
    return appended


def _found_after_all(appended: Appended, error: Exception, using: str) -> Appended:
    """Return what was appended by a commit whose answer was lost, seen on a new connection; else OutcomeUnknown."""
    last = appended.events[-1]
    try:
        connections[using].close()
        found = store.read_event(last.position, using)
        if found is not None and found.metadata == last.metadata:  # the append's own id is in it
            store.barrier(using)
            return appended
    except (DatabaseError, InterfaceError) as still_away:
        raise OutcomeUnknown(last.metadata["append_id"]) from still_away
    raise OutcomeUnknown(last.metadata["append_id"]) from error


def _decide_and_append(
    command: Command, facts: LoadedFacts, context: Context, key: IdempotencyKey | None, using: str
) -> Appended:
    events = [NewEvent(stream, data) for stream, data in decisions.decide(command, facts)]
    return store.append(events, context, expected={**facts.also_expected, **facts.expected}, key=key, using=using)


def _recorded_before(refusal: Refusal, facts: LoadedFacts, key: IdempotencyKey | None, using: str) -> Appended:
    """Return what a twin with the same key has recorded, for then the refusal is of its success; else raise it."""
    recorded = None if key is None else store.recorded_under(key, using)
    if recorded is not None:
        return recorded
    if facts.expected:
        # "Already exists" and its like must not be said of what a crash could still take back.
        store.barrier(using)
    raise refusal
