"""The consumers in the admin: the position, lag and error of each, and the operator actions."""

import json
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from eventstore import store
from eventstore.browser.events import event_link
from eventstore.browser.payload_html import payload_html
from eventstore.browser.read_only import ReadOnlyAdmin, as_text, exact
from eventstore.consumers.status import statuses
from eventstore.models import Checkpoint, LagSample, OperatorAction


def consumer_databases() -> list[str]:
    """Return the databases in which consumers keep their rows: that of the log and that of the read models."""
    return list(dict.fromkeys(("default", settings.READ_DATABASE)))


class DatabaseFilter(admin.SimpleListFilter):
    """Chooses between the database of the log and that of the read models, if they are two."""

    title = "Database"
    parameter_name = "database"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the databases to choose from; an empty list if there is only one."""
        databases = consumer_databases()
        return [(alias, alias) for alias in databases] if len(databases) > 1 else []

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of that database."""
        return queryset.using(self.value()) if self.value() in consumer_databases() else queryset


class CheckpointAdmin(ReadOnlyAdmin):
    """One page that lists all consumers, and one page for each."""

    change_form_template = "eventstore/admin/consumer.html"
    fields = (
        "name",
        "kind",
        "state",
        "lag",
        "last_dealt_with",
        "recorded",
        "within_the_event",
        "waiting_for",
        "error",
        "rate",
        "generation",
        "registered",
        "registered_position",
        "seen",
    )
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show every consumer of both databases, with its lag and its error."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": "Consumers",
            "opts": self.opts,
            "media": self.media,
            "head": store.head(),
            "statuses": statuses(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "eventstore/admin/consumers.html", context)

    def get_object(self, _request: HttpRequest, object_id: str, from_field: str | None = None) -> Checkpoint | None:  # noqa: ARG002 - Django's hook
        """Return the consumer of that name, from the first database that has it."""
        if "\x00" in object_id:
            return None
        found = (Checkpoint.objects.using(using).filter(name=object_id).first() for using in consumer_databases())
        return next((checkpoint for checkpoint in found if checkpoint), None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the consumer, its lag of the last day, and its operator actions."""
        checkpoint = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(_history(checkpoint) if checkpoint else {})}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="state")
    def state(self, checkpoint: Checkpoint) -> SafeString:
        """Return the state in one word, the same as in `manage.py consumers`."""
        state = next((status.state for status in statuses() if status.name == checkpoint.name), "not in the code")
        return format_html('<span class="state state-{0}">{0}</span>', state)

    @admin.display(description="lag")
    def lag(self, checkpoint: Checkpoint) -> str:
        """Return how far the consumer is behind the head, in events and in seconds."""
        for status in statuses():
            if status.name == checkpoint.name:
                return f"{status.lag_events} events, {status.lag_seconds:.1f} s"
        return f"{max(0, store.head().position - checkpoint.position)} events"

    @admin.display(description="last event handled")
    def last_dealt_with(self, checkpoint: Checkpoint) -> SafeString | str:
        """Return a link to the event at the checkpoint."""
        return event_link(checkpoint.position)

    @admin.display(description="recorded at (UTC)")
    def recorded(self, checkpoint: Checkpoint) -> str:
        """Return when the event at the checkpoint was recorded."""
        return as_text(checkpoint.recorded_at)

    @admin.display(description="registered at (UTC)")
    def registered(self, checkpoint: Checkpoint) -> str:
        """Return when the consumer was registered."""
        return as_text(checkpoint.registered_at)

    @admin.display(description="last seen (UTC)")
    def seen(self, checkpoint: Checkpoint) -> str:
        """Return when the consumer last gave a sign of life."""
        return as_text(checkpoint.last_seen)

    @admin.display(description="progress within the next event")
    def within_the_event(self, checkpoint: Checkpoint) -> SafeString | str:
        """Return how far the consumer has come within an event that it handles in chunks."""
        progress = checkpoint.progress
        if progress is None:
            return "–"
        return payload_html(progress) if isinstance(progress, dict) else json.dumps(progress)

    @admin.display(description="error")
    def error(self, checkpoint: Checkpoint) -> SafeString | str:
        """Return the error that stopped the consumer, its position, its time and how often it occurred."""
        if not checkpoint.error_message:
            return "–"
        return format_html(
            'at event {}, {} times, last {} UTC<br><span class="fault">{}</span>',
            event_link(checkpoint.error_position),
            checkpoint.error_count,
            as_text(checkpoint.error_at),
            checkpoint.error_message,
        )


def _history(checkpoint: Checkpoint) -> dict[str, Any]:
    using = checkpoint._state.db  # noqa: SLF001 - Django's name of the row's database
    name = checkpoint.name
    samples = list(LagSample.objects.using(using).filter(name=name).order_by("-minute")[:1440])[::-1]
    actions = OperatorAction.objects.using(using).filter(consumer=name).order_by("-id")[:20]
    most = max((sample.lag_events for sample in samples), default=0)
    bars = [
        {"x": index, "height": round(60 * sample.lag_events / most, 2) if most else 0, "sample": sample}
        for index, sample in enumerate(samples)
    ]
    return {"bars": bars, "most": most, "operator_actions": actions}


class OperatorActionAdmin(ReadOnlyAdmin):
    """The operator actions, newest first."""

    list_display = ("moment", "consumer", "action", "skipped", "actor", "reason")
    list_display_links = None
    list_filter = (
        exact("consumer", "Consumer", hint="its name"),
        exact("action", "Action", offered=lambda: OperatorAction.Action.values),
        DatabaseFilter,
    )
    ordering = ("-id",)

    @admin.display(description="at (UTC)")
    def moment(self, action: OperatorAction) -> str:
        """Return the time of the action."""
        return as_text(action.at)

    @admin.display(description="event skipped")
    def skipped(self, action: OperatorAction) -> SafeString | str:
        """Return a link to the event that was skipped."""
        return event_link(action.position)


class LagSampleAdmin(ReadOnlyAdmin):
    """The lag of each consumer, once a minute, of the last day."""

    list_display = ("moment", "name", "lag_events", "seconds")
    list_display_links = None
    list_filter = (exact("name", "Consumer", hint="its name"), DatabaseFilter)
    ordering = ("-minute", "name")

    @admin.display(description="minute (UTC)")
    def moment(self, sample: LagSample) -> str:
        """Return the minute."""
        return as_text(sample.minute)

    @admin.display(description="lag in seconds")
    def seconds(self, sample: LagSample) -> str:
        """Return the lag in seconds, with one decimal."""
        return f"{sample.lag_seconds:.1f}"
