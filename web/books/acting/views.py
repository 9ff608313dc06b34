"""The pages of a command: the form, the preview, the record, and what was recorded."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from eventstore import store
from eventstore.errors import NotDurable, OutcomeUnknown, WrongExpectedVersion
from eventstore.records import Appended, RecordedEvent
from ledger import states
from ledger.names import ACTOR_ID
from ledger.preview import preview
from ledger.rules.commands import Command
from ledger.rules.refusals.base import Refusal
from projectors.explain.event import subject_of, words_of
from projectors.explain.words import Words
from projectors.preview.in_words import in_words
from web.api.commands import record as record_command
from web.books.acting import ticket as tickets
from web.books.acting.access import acting
from web.books.acting.catalog import title
from web.books.acting.faults import fault_of, field_of
from web.books.acting.fields import Fault, Filled, fields
from web.books.acting.picking import Picked, pick
from web.books.acting.submitted import NotACommand, Typed, command_of, typed
from web.books.acting.ticket import InvalidTicket, Ticket
from web.books.frame import SECTIONS, Refused
from web.protocol.correlation_id import correlation_id
from web.server.connections import GONE, is_gone

_MOST_CHANGES: Final = 20
_UNAVAILABLE: Final = 503
_STALE: Final = "The preview was changed, is older than a day, or is somebody else's. Fill in the form again."


@acting
def do(request: HttpRequest, command: str) -> HttpResponseBase:
    """Show the form of a command, then its preview, and record it once it is confirmed."""
    if request.method != "POST":
        picked = pick(command, _prefilled(command, typed(command, request.GET.dict())))
        return _form(request, command, picked, tickets.form_id())
    step = request.POST.get("step", "preview")
    if step in {"record", "change"}:
        ticket = _ticket(request, command)
        if step == "record":
            return _record(request, ticket)
        return _form(request, command, Picked(ticket.values), ticket.form)
    form = tickets.form_id(request.POST.get("form", ""))
    picked = pick(command, typed(command, _without(request.POST.dict(), request.POST.get("remove", ""))))
    if step in {"find", "more"} or "remove" in request.POST:
        return _form(request, command, picked, form, empty_rows=int(step == "more"))
    return _preview(request, command, picked, form)


def _without(form: dict[str, str], row: str) -> dict[str, str]:
    """Return what was sent, without the row of a list that the reader removes."""
    return {name: value for name, value in form.items() if not row or not name.startswith(f"{row}-")}


def _prefilled(command: str, values: Typed) -> Typed:
    """Add what a deal says now to the form that replaces it."""
    if command != "update-deal" or set(values) != {"deal_uuid"}:
        return values
    try:
        deal = states.deal(UUID(values["deal_uuid"])).state
    except ValueError:
        return values
    terms = {"product_line_id": str(deal.product_line_id), "rating_tier": deal.rating_tier or ""}
    for index, company in enumerate(deal.companies):
        terms |= {f"companies-{index}-company_uuid": str(company.company_uuid), f"companies-{index}-role": company.role}
    return values | {name: value for name, value in terms.items() if value}


def _form(  # noqa: PLR0913 - the form, and what is wrong with it
    request: HttpRequest,
    command: str,
    picked: Picked,
    form: str,
    *,
    faults: Mapping[str, Fault] | None = None,
    changes: Sequence[Any] = (),
    empty_rows: int = 0,
) -> HttpResponse:
    wrong = {**picked.faults, **(faults or {})}
    shown = fields(command, Filled(picked.values, wrong, picked.found, empty_rows))
    names = {field.name for field in shown} | {
        part.name for field in shown for row in field.rows for part in row.fields
    }
    context: dict[str, Any] = {
        "fields": shown,
        "form_id": form,
        "general": [fault for name, fault in wrong.items() if name not in names],
        "changes": changes,
        "has_faults": bool(wrong),
    }
    return page(request, "form.html", command, **context)


def _preview(
    request: HttpRequest, command: str, picked: Picked, form: str, stale: Ticket | None = None
) -> HttpResponse:
    """Show what would be recorded, or the form with what is wrong."""
    key = tickets.key_of(command, form, _user(request).pk)
    already = store.recorded_under(key)
    if already is not None:
        return _to_recorded(already, again=True)
    if picked.faults:
        return _form(request, command, picked, form)
    changes = [] if stale is None else _changes(stale)
    made: Command | None = None
    try:
        made = command_of(command, picked.values, UUID(form))
        previewed = preview(made)
    except NotACommand as refused:
        faults = {name: Fault(f"It {text}.") for name, text in refused.faults.items()}
        return _form(request, command, picked, form, faults=faults)
    except Refusal as refusal:
        already = store.recorded_under(key)
        if already is not None:  # The same form, recorded meanwhile, has caused the refusal.
            return _to_recorded(already, again=True)
        faults = {field_of(refusal, made): fault_of(refusal)}
        return _form(request, command, picked, form, faults=faults, changes=changes)
    ticket = Ticket(command, picked.values, dict(previewed.expected), form, _user(request).pk)
    context: dict[str, Any] = {"preview": in_words(previewed), "ticket": ticket.sign(), "changes": changes}
    return page(request, "preview.html", command, **context)


def _record(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Record what was previewed, once; show a new preview if something that it rests on has changed."""
    if is_gone(request.META.get("gunicorn.socket")):
        raise Refused(GONE)
    user = _user(request)
    try:
        appended = record_command(
            command_of(ticket.command, ticket.values, UUID(ticket.form)),
            actor=user.get_username(),
            correlation_id=correlation_id(request),
            key=tickets.key_of(ticket.command, ticket.form, user.pk),
            metadata={ACTOR_ID: user.pk},
            expected=ticket.expected,
        )
    except (WrongExpectedVersion, Refusal):
        return _preview(request, ticket.command, Picked(ticket.values), ticket.form, ticket)
    except (OutcomeUnknown, NotDurable):
        context = {"ticket": ticket.sign(), "is_unknown": True}
        return page(request, "preview.html", ticket.command, status=_UNAVAILABLE, **context)
    return _to_recorded(appended, again=appended.repeated)


def _to_recorded(appended: Appended, *, again: bool) -> HttpResponseRedirect:
    address = reverse("books:recorded", args=[appended.events[0].position, appended.position])
    return HttpResponseRedirect(f"{address}?again=yes" if again else address)


def _changes(stale: Ticket) -> list[tuple[RecordedEvent, str, Words]]:
    """Return the events since a preview in the streams that it rests on, oldest first: of what, and in words."""
    events = [
        event
        for stream, version in stale.expected.items()
        for event in store.read_stream(stream, after_version=version, limit=_MOST_CHANGES)
    ]
    events.sort(key=lambda event: event.position)
    return [(event, subject_of(event), words_of(event)) for event in events[:_MOST_CHANGES]]


def _ticket(request: HttpRequest, command: str) -> Ticket:
    try:
        return tickets.read(request.POST.get("ticket", ""), command, _user(request).pk)
    except InvalidTicket as error:
        raise Refused(_STALE) from error


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - `acting` lets no other in
    return user


def page(request: HttpRequest, template: str, command: str, *, status: int = 200, **context: Any) -> TemplateResponse:
    """Return an acting page, which is always of the present."""
    context |= {"command": title(command), "frame": None, "section": "do", "sections": SECTIONS}
    return TemplateResponse(request, f"books/acting/{template}", context, status=status)
