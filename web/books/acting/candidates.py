"""What a text in a form may mean: companies, invoices, assets, funding accounts, deals, and events to reverse."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

from eventstore import store
from eventstore.errors import EventStoreError
from ledger import states
from ledger.rules.facts import stream_id
from projectors.explain.dates import dated
from projectors.explain.event import name_of, words_of
from projectors.explain.words import amount_text
from projectors.preview.standing import about
from projectors.queries.customers import accounts_of
from projectors.queries.directory import deals
from projectors.queries.search import find
from web.books.acting.catalog import REVERSIBLE

MOST: Final = 12
"""Candidates that are shown; a longer name finds fewer."""
_MOST_COMPANIES: Final = 5
_MOST_EVENTS: Final = 100
_LOOKED_AT: Final = 2_000
"""Events of a stream among which those that can be reversed are looked for."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value that can be chosen, its name, and what is known of it now."""

    value: str
    name: str
    about: str = ""


def chosen(category: str, value: str) -> Option | None:
    """Return what a uuid names, with its figures of now; None if there is nothing of that uuid."""
    try:
        uuid = UUID(value)
        state = states.state(category, uuid).state
    except (ValueError, EventStoreError):
        return None
    if not state.exists:
        return None
    return Option(str(uuid), name_of(state) or _parties(state), about(category, state))


def named(categories: tuple[str, ...], text: str) -> list[tuple[str, Option]]:
    """Return what a text may mean, each with its category: a uuid, or the beginnings of words of a name."""
    found: list[tuple[str, Option]] = []
    for category in categories:
        exact = chosen(category, text)
        if exact is not None:
            found.append((category, exact))
    if found:
        return found
    for category in categories:
        for uuid in _uuids(category, text):
            option = chosen(category, str(uuid))
            if option is not None:
                found.append((category, option))
    return found[: MOST + 1]


def reversible(name: str, category: str, uuid: UUID) -> list[Option]:
    """Return the events of a stream that a command may take back, newest first."""
    state = states.state(category, uuid).state
    taken_back: frozenset[int] = state.returned if category == "account" else state.reversed
    events = store.read_stream(stream_id(category, uuid), backwards=True, limit=_LOOKED_AT)
    found = (event for event in events if event.type in REVERSIBLE[name] and event.position not in taken_back)
    newest, options = list(islice(found, _MOST_EVENTS)), []
    days = {one.event.position: one.counts_for for one in dated(newest[::-1])}
    for event in newest:
        said, amount = words_of(event), amount_text(event.data.amount) if hasattr(event.data, "amount") else ""
        figure = f", {amount} {event.data.currency}" if amount and amount not in said.what else ""
        on = days[event.position]
        about = f"event {event.position}, {on or 'before the first date'}: {said.why}"
        options.append(Option(str(event.position), f"{said.what}{figure}", about))
    return options


def _uuids(category: str, text: str) -> Iterator[UUID]:
    """Yield the uuids of what has such a name; an account and a deal are found by the name of their company."""
    if category in {"company", "product", "asset"}:
        yield from (hit.uuid for hit in find(text, limit=MOST + 1, kinds=(category,)))
        return
    companies = [hit.uuid for hit in find(text, limit=_MOST_COMPANIES, kinds=("company",))]
    yield from list(_of_companies(category, companies))[: MOST + 1]


def _of_companies(category: str, companies: list[UUID]) -> Iterator[UUID]:
    for company in companies:
        if category == "account":
            yield from (row.uuid for row in accounts_of(company, MOST + 1))
        else:
            yield from (row.deal_uuid for row in deals(company).order_by("deal_uuid")[: MOST + 1])


def _parties(state: Any) -> str:
    """Return the companies of a deal, which has no name of its own."""
    named = [(states.company(each.company_uuid).state.name, each.role) for each in state.companies]
    return ", ".join(f"{name} ({role})" for name, role in named)
