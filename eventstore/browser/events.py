"""The log in the admin: every event with its neighbours, its cause and its effects."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from eventstore import store
from eventstore.browser.payload_html import payload_html, summary
from eventstore.browser.read_only import HeadPaginator, ReadOnlyAdmin, as_text, exact, found_by_any, parsed
from eventstore.models import Event
from eventstore.payloads.registry import registry
from eventstore.records import stream_id_of

RELATED_LIMIT = 20
"""How many caused or related events an event's page lists; a link leads to the others."""
SHORT_UUID = 8
"""How many characters of a uuid a list shows: its first part."""


def categories() -> list[str]:
    """Return the categories of streams that the code knows, sorted."""
    return sorted({category for event_type in registry for category in event_type.categories})


def events_url(**filters: str | int) -> str:
    """Return the address of the list of events with these filters."""
    address = reverse("admin:eventstore_event_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def event_link(position: int | None) -> SafeString | str:
    """Return a link to the event at that position; its text is the position."""
    if not position:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse("admin:eventstore_event_change", args=[position]), position)


def stream_link(stream_id: str, *, in_short: bool = False) -> SafeString:
    """Return a link to all events of a stream; `in_short`, its text has only the first part of the uuid."""
    category, hyphen, entity = stream_id.partition("-")
    text = f"{category}-{entity[:SHORT_UUID]}…" if in_short and hyphen else stream_id
    return format_html(
        '<a class="stream" title="{0}" href="{1}">{2}</a>', stream_id, events_url(stream_id=stream_id), text
    )


class EventAdmin(ReadOnlyAdmin):
    """Events, newest first. See Note [Pages of a long log]."""

    list_display = ("position", "moment", "type", "stream_in_short", "version", "what", "by", "cause")
    list_filter = (
        exact("type", "Type", offered=registry.names),
        exact("category", "Category", offered=categories),
        exact("actor", "Actor", hint="the full name"),
        exact("stream_id", "Stream", hint="category-uuid"),
        exact("correlation_id", "Correlation", hint="the full id"),
        exact("causation", "Caused by", hint="a position"),
        exact("position__lte", "Up to position", hint="a position"),
    )
    search_fields = ("stream_id",)
    search_help_text = "A full position, uuid, stream id or correlation id."
    change_form_template = "eventstore/admin/event.html"
    fields = (
        "position",
        "type",
        "schema",
        "stream",
        "version",
        "moment",
        "by",
        "correlation",
        "cause",
        "readable_payload",
        "readable_metadata",
    )
    readonly_fields = fields

    def missing(self, object_id: str) -> str:
        """Return what a page says of an event that is not there: where the log ends."""
        return f"There is no event at {object_id}; the head is {store.head().position}."

    @admin.display(description="stream")
    def stream(self, event: Event) -> SafeString:
        """Return a link to all events of the stream."""
        return stream_link(event.stream_id)

    @admin.display(description="stream")
    def stream_in_short(self, event: Event) -> SafeString:
        """Return a link to all events of the stream, with a shortened uuid."""
        return stream_link(event.stream_id, in_short=True)

    @admin.display(description="recorded at (UTC)")
    def moment(self, event: Event) -> str:
        """Return when the event was recorded, to the second."""
        return as_text(event.recorded_at)

    @admin.display(description="payload")
    def what(self, event: Event) -> SafeString:
        """Return the payload on one line, which unfolds to the whole of it."""
        whole = payload_html(event.payload, events_url())
        return format_html("<details><summary>{}</summary>{}</details>", summary(event.payload), whole)

    @admin.display(description="actor")
    def by(self, event: Event) -> SafeString:
        """Return a link to all events of the actor."""
        return format_html('<a href="{}">{}</a>', events_url(actor=event.actor), event.actor)

    @admin.display(description="caused by")
    def cause(self, event: Event) -> SafeString | str:
        """Return a link to the event that caused this one."""
        return event_link(event.causation)

    @admin.display(description="correlation")
    def correlation(self, event: Event) -> SafeString:
        """Return a link to all events of the same correlation."""
        address = events_url(correlation_id=event.correlation_id)
        return format_html('<a href="{}">{}</a>', address, event.correlation_id)

    @admin.display(description="schema version")
    def schema(self, event: Event) -> str:
        """Return the stored schema version, and how the code's version differs from it."""
        today = next((known.schema_version for known in registry if known.name == event.type), None)
        if today is None:
            return f"{event.schema_version} (this type is not in the code)"
        return str(event.schema_version) if event.schema_version == today else f"{event.schema_version}, today {today}"

    @admin.display(description="payload")
    def readable_payload(self, event: Event) -> SafeString:
        """Return the payload indented and coloured."""
        return payload_html(event.payload, events_url())

    @admin.display(description="metadata")
    def readable_metadata(self, event: Event) -> SafeString | str:
        """Return the metadata indented and coloured."""
        return payload_html(event.metadata) if event.metadata else "–"

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Event]:
        """Return the log, newest first."""
        return Event.objects.order_by("-position")

    def get_ordering(self, _request: HttpRequest) -> list[str | Combinable]:
        """Return the only order that the indexes support."""
        return ["-position"]

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: QuerySet[Event],
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,  # noqa: FBT001, FBT002 - Django's hook
    ) -> Paginator:  # type: ignore[type-arg] # Django's annotation has no parameter
        """Return a paginator by positions for the whole log, and one with a limit for a filtered list."""
        if not queryset.query.where:
            return HeadPaginator(queryset, per_page, orphans, allow_empty_first_page)
        return super().get_paginator(request, queryset, per_page, orphans, allow_empty_first_page)

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Return the events with that position, stream id, uuid or correlation id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "\x00" in term:
            return queryset.none(), False
        return found_by_any(queryset, _conditions(term)), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the event, its neighbours, its effects and the events of its correlation."""
        position = parsed(Event, "position", object_id)
        event = None if position is None else Event.objects.filter(position=position).first()
        context = {**(extra_context or {}), **(_surroundings(event) if event else {})}
        return super().change_view(request, object_id, form_url, context)


def _conditions(term: str) -> list[Q]:
    conditions = [Q(stream_id=term), Q(correlation_id=term)]
    if term.isdecimal():
        conditions.append(Q(position=int(term)))
    try:
        entity = UUID(term)
    except ValueError:
        return conditions
    streams = [stream_id_of(category, entity) for category in categories()]
    return [Q(stream_id__in=streams), Q(correlation_id__in={term, str(entity)})]


def _surroundings(event: Event) -> dict[str, Any]:
    # Each query is one lookup in an index, so its cost does not depend on the size of the log.
    beside = Q(position__in=(event.position - 1, event.position + 1))
    log = {other.position: other for other in Event.objects.filter(beside)}
    versions = Event.objects.filter(stream_id=event.stream_id, version__in=(event.version - 1, event.version + 1))
    stream = {other.version: other for other in versions}
    effects = Event.objects.filter(causation=event.position).order_by("position")[: RELATED_LIMIT + 1]
    related = Event.objects.filter(correlation_id=event.correlation_id).order_by("position")[: RELATED_LIMIT + 1]
    return {
        "subtitle": f"{event.position} {event.type}",
        "stream_url": events_url(stream_id=event.stream_id),
        "previous_in_stream": stream.get(event.version - 1),
        "next_in_stream": stream.get(event.version + 1),
        "previous_in_log": log.get(event.position - 1),
        "next_in_log": log.get(event.position + 1),
        "caused_by": Event.objects.filter(position=event.causation).first() if event.causation else None,
        "relations": [
            _relation("Effects", list(effects), events_url(causation=event.position)),
            _relation("Same correlation", list(related), events_url(correlation_id=event.correlation_id)),
        ],
    }


def _relation(title: str, events: list[Event], url: str) -> dict[str, Any]:
    shown = [(event, summary(event.payload)) for event in events[:RELATED_LIMIT]]
    return {"title": title, "events": shown, "url": url, "more": len(events) > RELATED_LIMIT}
