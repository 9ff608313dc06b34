"""The search: an invoice's reference, a customer's name, a uuid, a stream, a position or a date; one hit goes there."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from eventstore import store
from eventstore.records import is_stream_id
from ledger import states
from ledger.rules.decide import STATES
from ledger.rules.facts import stream_id
from projectors.explain.event import name_of
from projectors.queries.search import accounts_of, without_assets_of_products
from projectors.queries.search import find as find_words
from web.books import csv_export
from web.books.frame import Frame, page, shown, takes

_MOST: Final = 50
_LONGEST: Final = 200
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Hit(NamedTuple):
    """What was found: its kind, its name, and the address of its page."""

    kind: str
    name: str
    address: str


@page
@takes("q", "format")
def find(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Go to the one thing that is found, or list what is."""
    wanted = request.GET.get("q", "").strip()[:_LONGEST].replace("\x00", "")
    hits = list(_hits(wanted, frame)) if wanted else []
    hits = [hit if "?" in hit.address else hit._replace(address=frame.address(hit.address)) for hit in hits]
    if csv_export.is_wanted(request):
        return csv_export.export(frame.present, f"found-{wanted}", ("kind", "name", "address"), hits[:_MOST])
    if len(hits) == 1:
        return HttpResponseRedirect(hits[0].address)
    why = "" if hits else _why_nothing(wanted, frame)
    return shown(request, "find.html", frame, "", q=wanted, hits=hits[:_MOST], more=len(hits) > _MOST, why=why)


def _why_nothing(wanted: str, frame: Frame) -> str:
    """Return why there is no position or date that was searched for; an empty text if it looks like neither."""
    if wanted.isdecimal():
        return f"There is no event at {wanted}; the head is {frame.head}."
    return f"There is no date {wanted}." if _DATE.fullmatch(wanted) else ""


def _hits(wanted: str, frame: Frame) -> Iterator[Hit]:
    if _DATE.fullmatch(wanted):
        yield from _date(wanted)
    if wanted.isdecimal() and 0 < int(wanted) <= frame.head:
        yield Hit("event", f"the event at position {int(wanted)}", reverse("books:event", args=[int(wanted)]))
    if is_stream_id(wanted) and "-" in wanted:
        yield Hit("stream", wanted, reverse("books:stream", args=[wanted]))
    uuid = _uuid(wanted)
    if uuid is not None:
        yield from _entities(uuid)
    found = without_assets_of_products(find_words(wanted, limit=_MOST + 1))
    # One company is gone to, and its page has its accounts.
    more = accounts_of(found, limit=_MOST + 1 - len(found)) if 1 < len(found) <= _MOST else []
    for hit in (*found, *more):
        yield Hit(hit.kind, hit.text, page_of(hit.kind, hit.uuid))


def _date(wanted: str) -> Iterator[Hit]:
    try:
        on = date.fromisoformat(wanted)
    except ValueError:
        return
    yield Hit("date", f"the ledger as of {on}", f"{reverse('books:today')}?as_of={on}")


def _uuid(wanted: str) -> UUID | None:
    try:
        return UUID(wanted)
    except ValueError:
        return None


def _entities(uuid: UUID) -> Iterator[Hit]:
    for category in STATES:
        if next(store.read_stream(stream_id(category, uuid), limit=1), None) is not None:
            name = name_of(states.state(category, uuid).state) or str(uuid)
            yield Hit(category, name, page_of(category, uuid))


def page_of(category: str, uuid: UUID) -> str:
    """Return the address of the page of an entity: an invoice, a customer, a balance, or its stream."""
    match category:
        case "product":
            return reverse("books:invoice", args=[uuid])
        case "company":
            return reverse("books:customer", args=[uuid])
        case "asset" | "account":
            return reverse("books:balance", args=[category, uuid])
        case _:
            return reverse("books:stream", args=[stream_id(category, uuid)])
