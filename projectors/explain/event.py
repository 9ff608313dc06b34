"""One event as people read it: its words, its dates, its journal lines, its causes and its effects."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, Final
from uuid import UUID

from eventstore import store
from eventstore.errors import EventStoreError
from eventstore.log.searches import search_back
from eventstore.records import RecordedEvent
from ledger import states
from ledger.rules.money import from_minor
from projectors.explain.dates import dated
from projectors.explain.words import Words, headline, words
from projectors.models import JournalLine
from projectors.queries.live import live
from projectors.queries.parties import Party, names_of_parties

MOST_EFFECTS: Final = 50
"""How many effects of one event are listed."""
MOST_RELATED: Final = 300
"""How many causes and effects are listed at most."""
_NAMED: Final = frozenset({"company", "product", "account"})
"""The categories whose names the read models have."""
_DEEPEST: Final = 20
"""How many causes are followed backwards, and how deep effects are followed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the journal; debit or credit is None. `party_name` is empty unless it was looked up."""

    line: int
    account: str
    party_type: str
    party_uuid: UUID
    currency: str
    debit: Decimal | None
    credit: Decimal | None
    reference: str
    party_name: str = ""

    @property
    def party(self) -> Party:
        """The party's category and uuid."""
        return self.party_type, self.party_uuid


@dataclass(frozen=True, slots=True)
class Related:
    """An event in the tree of causes and effects; `depth` is 0 for the one that began it."""

    event: RecordedEvent
    headline: str
    depth: int
    is_this: bool
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedEvent:
    """All that is known of one event."""

    event: RecordedEvent
    words: Words
    headline: str
    subject: str
    booked: date | None
    counts_for: date | None
    lines: tuple[Line, ...]
    tree: tuple[Related, ...]
    more_effects: bool
    previous_in_stream: int | None
    next_in_stream: int | None


def explain_event(position: int, up_to: int, using: str = "default") -> ExplainedEvent | None:
    """Return the event at a position with its relations that were recorded up to another; None if there is none."""
    event = store.read_event(position, using) if position <= up_to else None
    if event is None:
        return None
    [(_, booked, counts_for)] = dated([event], using)
    tree, more = _tree(event, up_to, using)
    subjects = subjects_of([related.event for related in tree], (up_to,))
    before, after = _neighbours(event, up_to, using)
    return ExplainedEvent(
        event=event,
        words=words_of(event),
        headline=headline_of(event),
        subject=about(event.category, subject_of(event, using)),
        booked=booked,
        counts_for=counts_for,
        lines=tuple(with_party_names(list(journal_lines(position)), (up_to,))),
        tree=tuple(replace(related, subject=subjects.get(related.event.stream_id, "")) for related in tree),
        more_effects=more,
        previous_in_stream=before,
        next_in_stream=after,
    )


def words_of(event: RecordedEvent) -> Words:
    """Return an event in words; one that this code cannot read says so."""
    try:
        return words(event.data)
    except EventStoreError as error:
        return Words(event.type, str(error))


def headline_of(event: RecordedEvent) -> str:
    """Return what happened with its amount; the type of an event that this code cannot read."""
    try:
        return headline(event.data)
    except EventStoreError:
        return event.type


def subject_of(event: RecordedEvent, using: str = "default") -> str:
    """Return the name or the reference of the entity that the event is about; an empty text if it has none."""
    try:
        return name_of(states.state(event.category, event.uuid, event.position, using).state)
    except (ValueError, KeyError, EventStoreError):
        # The stream has no uuid, its category has no state, or this code cannot read one of its events.
        return ""


def about(category: str, name: str) -> str:
    """Return the end of a headline that says what an event is about; an empty text without a name."""
    if not name:
        return ""
    return f"on invoice {name}" if category == "product" else f"· {category} {name}"


def subjects_of(events: Iterable[RecordedEvent], at: Sequence[int]) -> dict[str, str]:
    """Return by stream what events are about, with the names that the read models have; others are left out.

    `at` are positions: a company has its name at the first of them at which it existed.
    """
    parties = {event.stream_id: (event.category, event.uuid) for event in events if event.category in _NAMED}
    names = names_of_parties(parties.values(), at)
    return {stream: about(party[0], names[party]) for stream, party in parties.items() if party in names}


def with_party_names(lines: Sequence[Line], at: Sequence[int]) -> Iterator[Line]:
    """Yield lines with the names of their parties; see `subjects_of` for the positions."""
    names = names_of_parties({line.party for line in lines}, at)
    for line in lines:
        yield replace(line, party_name=names.get(line.party, ""))


def name_of(state: Any) -> str:
    """Return the name, reference or label of an aggregate; an empty text if it has none."""
    return str(getattr(state, "name", "") or getattr(state, "reference", "") or getattr(state, "label", ""))


def journal_lines(position: int) -> Iterator[Line]:
    """Yield the lines that an event made in the journal."""
    for row in live(JournalLine).filter(position=position).order_by("line"):
        yield line_of(row)


def line_of(row: JournalLine) -> Line:
    """Return a row of the journal as a line."""
    return Line(
        line=row.line,
        account=row.account,
        party_type=row.party_type,
        party_uuid=row.party_uuid,
        currency=row.currency,
        debit=from_minor(row.debit, row.minor_digits) if row.debit else None,
        credit=from_minor(row.credit, row.minor_digits) if row.credit else None,
        reference=row.reference,
    )


def _tree(event: RecordedEvent, up_to: int, using: str) -> tuple[list[Related], bool]:
    """Return the chain of causes, the event, and its effects below it; and whether there are more effects."""
    causes = list(_causes(event, using))
    found = [_related(cause, depth) for depth, cause in enumerate(reversed(causes))]
    found.append(_related(event, len(causes), is_this=True))
    effects = _effects(event.position, up_to, MOST_EFFECTS + 1, using)
    for effect in effects[:MOST_EFFECTS]:
        found.append(_related(effect, len(causes) + 1))
        below = islice(_below(effect, up_to, len(causes) + 2, using), max(MOST_RELATED - len(found), 0))
        found += [_related(deeper, depth) for deeper, depth in below]
    return found, len(effects) > MOST_EFFECTS or len(found) >= MOST_RELATED


def _causes(event: RecordedEvent, using: str) -> Iterator[RecordedEvent]:
    for _ in range(_DEEPEST):
        cause = None if event.causation is None else store.read_event(event.causation, using)
        if cause is None:
            return
        yield cause
        event = cause


def _below(event: RecordedEvent, up_to: int, depth: int, using: str) -> Iterator[tuple[RecordedEvent, int]]:
    if depth < _DEEPEST:
        for effect in _effects(event.position, up_to, MOST_EFFECTS, using):
            yield effect, depth
            yield from _below(effect, up_to, depth + 1, using)


def _effects(position: int, up_to: int, limit: int, using: str) -> Sequence[RecordedEvent]:
    found = search_back({"causation": position}, before=up_to + 1, limit=limit, using=using)
    return found.events[::-1]


def _related(event: RecordedEvent, depth: int, *, is_this: bool = False) -> Related:
    return Related(event, headline_of(event), depth, is_this)


def _neighbours(event: RecordedEvent, up_to: int, using: str) -> tuple[int | None, int | None]:
    before = max(event.version - 2, 0)
    near = store.read_stream(event.stream_id, after_version=before, up_to=up_to, limit=3, using=using)
    around: dict[int, Any] = {other.version: other.position for other in near}
    return around.get(event.version - 1), around.get(event.version + 1)
