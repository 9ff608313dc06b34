"""The pages of the log: its events, one event with its causes and effects, and a stream as a time line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from eventstore.log.replica import read_up_to
from eventstore.log.searches import FILTERS, SCAN_LIMIT, Found, search_back
from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent, is_stream_id
from ledger.rules.events import CATEGORIES
from processmanagers.proofs import seal_of
from projectors.explain.event import explain_event, headline_of, subject_of, subjects_of, words_of
from projectors.explain.figures import Cut
from projectors.explain.moment import booked_through, named_at
from projectors.explain.stream import stream_events, stream_rows
from web.books import csv_export
from web.books.frame import Frame, NotFound, Refused, page, shown, takes
from web.books.parameters import whole_number

_PAGE: Final = 100
_PAGE_OF_A_FILE: Final = 1_000
_LONGEST: Final = 200
_HEADER: Final = (
    "position",
    "recorded_at",
    "type",
    "stream_id",
    "version",
    "what",
    "why",
    "actor",
    "correlation_id",
    "cause",
)


@page
@takes(*FILTERS, "before", "format")
def log(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """List events, newest first, that match the filters: up to the position, or what was recorded as a date ended."""
    filters = _filters(request)
    through = booked_through(frame.cut)
    if csv_export.is_wanted(request):
        rows = _event_cells(_every(filters, through))
        return csv_export.export(frame, "-".join(("log", *map(str, filters.values()))), _HEADER, rows)
    before = whole_number(request.GET, "before", default=through + 1)
    found = _search(filters, through, before=min(before, through + 1), limit=_PAGE)
    subjects = subjects_of(found.events, named_at(frame.cut))
    return shown(
        request,
        "log.html",
        frame,
        "log",
        rows=[
            (event, headline_of(event), subjects.get(event.stream_id, ""), words_of(event).why)
            for event in found.events
        ],
        filters={name: filters.get(name, "") for name in FILTERS},
        types=registry.names(),
        categories=sorted(CATEGORIES),
        next_before=found.next_before,
        scanned=SCAN_LIMIT,
        is_first=before > through,
        through=through,
    )


@page
@takes("format")
def event(request: HttpRequest, frame: Frame, position: int) -> HttpResponseBase:
    """Show one event: in words, with its dates, its journal lines, and its causes and effects up to the position."""
    up_to = frame.cut.position
    explained = read_up_to(up_to, partial(explain_event, position, up_to)) if position <= up_to else None
    if explained is None:
        as_of = "" if up_to == frame.head else f" as of position {up_to}"
        raise NotFound(f"There is no event at {position}{as_of}; the head is {frame.head}.")
    seal = seal_of(position)
    if csv_export.is_wanted(request):
        rows = _event_cells(related.event for related in explained.tree)
        return csv_export.export(frame, f"event-{position}-with-causes-and-effects", _HEADER, rows)
    return shown(
        request,
        "event.html",
        frame,
        "log",
        explained=explained,
        seal=seal if seal is not None and seal.position <= up_to else None,
        payload=json.dumps(explained.event.payload, indent=2, ensure_ascii=False),
        metadata=json.dumps(explained.event.metadata, indent=2, ensure_ascii=False),
        previous=position - 1,
        following=position + 1 if position < up_to else None,
    )


@page
@takes("after", "format")
def stream(request: HttpRequest, frame: Frame, stream_id: str) -> HttpResponseBase:
    """Show a stream, oldest first, with the state after each event."""
    if not is_stream_id(stream_id):
        raise NotFound(f"{stream_id} is not a stream: its id is a category, a hyphen and a uuid.")
    if next(stream_events(stream_id, frame.cut, limit=1), None) is None:
        raise NotFound(f"There is no event in the stream {stream_id} as of position {frame.cut.position}.")
    if csv_export.is_wanted(request):
        return csv_export.export(frame, stream_id, _HEADER, _event_cells(_stream(stream_id, frame.cut)))
    after = whole_number(request.GET, "after", default=0)
    rows = read_up_to(
        frame.cut.position,
        lambda using: list(stream_rows(stream_id, frame.cut, after_version=after, limit=_PAGE + 1, using=using)),
    )
    return shown(
        request,
        "stream.html",
        frame,
        "log",
        stream_id=stream_id,
        category=stream_id.partition("-")[0],
        name=subject_of(rows[-1].event) if rows else "",
        uuid=stream_id.partition("-")[2],
        rows=rows[:_PAGE],
        next_after=rows[_PAGE - 1].event.version if len(rows) > _PAGE else None,
    )


def _search(filters: Mapping[str, str | int], through: int, *, before: int, limit: int) -> Found:
    return read_up_to(through, lambda using: search_back(filters, before=before, limit=limit, using=using))


def _every(filters: Mapping[str, str | int], through: int) -> Iterator[RecordedEvent]:
    """Yield all events up to a position that match every filter, newest first, in flat memory."""
    below: int | None = through + 1
    while below is not None:
        found = _search(filters, through, before=below, limit=_PAGE_OF_A_FILE)
        yield from found.events
        below = found.next_before


def _stream(stream_id: str, cut: Cut) -> Iterator[RecordedEvent]:
    """Yield the events of a stream that count at a cut, in flat memory."""
    version = 0
    while page := read_up_to(cut.position, partial(_page_of_stream, stream_id, cut, version)):
        yield from page
        version = page[-1].version


def _page_of_stream(stream_id: str, cut: Cut, after: int, using: str) -> list[RecordedEvent]:
    return list(stream_events(stream_id, cut, after_version=after, limit=_PAGE_OF_A_FILE, using=using))


def _event_cells(events: Iterable[RecordedEvent]) -> Iterator[tuple[Any, ...]]:
    for each in events:
        place = (each.position, each.recorded_at, each.type, each.stream_id, each.version)
        yield (*place, headline_of(each), words_of(each).why, each.actor, each.correlation_id, each.causation)


def _filters(request: HttpRequest) -> dict[str, str | int]:
    given: dict[str, str | int] = {}
    for name in FILTERS:
        value = request.GET.get(name, "").strip()
        if value:
            given[name] = whole_number(request.GET, name, default=0) if name == "causation" else _text(name, value)
    return given


def _text(name: str, value: str) -> str:
    if len(value) > _LONGEST or "\x00" in value:
        raise Refused(f"{name} is not possible: it has at most {_LONGEST} characters.")
    if name == "stream_id" and not is_stream_id(value):
        raise Refused(f"stream_id={value} is not possible: it is a category, a hyphen and a uuid.")
    if name == "type" and value not in registry.names():
        raise Refused(f"There is no event type {value}.")
    if name == "category" and value not in CATEGORIES:
        raise Refused(f"There is no category {value}; there are {', '.join(sorted(CATEGORIES))}.")
    return value
