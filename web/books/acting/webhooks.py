"""The pages of webhooks: the endpoints, what was sent to each, and what operators do to them."""

from collections.abc import Mapping
from typing import Final, TypedDict
from uuid import UUID, uuid4  # noqa: TID251 - the edge, which makes the uuid of an endpoint

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect

from eventstore.consumers import history
from eventstore.errors import OperationRefused
from ledger.names import OPERATE, VIEW
from relays.models import Endpoint
from relays.webhooks import endpoints
from relays.webhooks.endpoints import NoSuchEndpoint
from web.books.acting.confirmation import Asked, Fact, Subject, asked_of, confirmation
from web.books.consumers import Condition
from web.books.frame import Frame, NotFound, Refused, check_parameters, framed, page, refusal, shown

ACTIONS: Final[Mapping[str, str]] = {
    "disable": "Nothing is sent until somebody enables it; it keeps its position.",
    "enable": "It goes on behind its last event, at once.",
    "rotate": "A new secret signs, and for a day the one before signs as well.",
    "delete": "The endpoint and the list of its deliveries are deleted.",
    "skip": "The event that it does not take is passed over.",
    "redeliver": "The event is sent again, beside the order of the others.",
}
"""The actions, each with what it does."""
_BUTTONS: Final[Mapping[str, str]] = {
    "disable": "Disable",
    "enable": "Enable",
    "rotate": "Make a new secret for",
    "delete": "Delete",
    "skip": "Skip an event for",
    "redeliver": "Send an event again to",
}
_ABOUT_AN_EVENT: Final = frozenset({"skip", "redeliver"})
_SHOWN: Final = 100
_LONGEST: Final = 200


class _Why(TypedDict):
    """Who acts, and why."""

    actor: str
    reason: str


def condition(endpoint: Endpoint) -> Condition:
    """Return how an endpoint stands."""
    if endpoint.disabled_at is not None:
        since = f"since {endpoint.disabled_at:%Y-%m-%d %H:%M} UTC"
        return Condition("stopped", "disabled", f"disabled {since}: {endpoint.disabled_reason}")
    if endpoint.failing_since is not None:
        again = f"it is tried again at {endpoint.next_try_at:%Y-%m-%d %H:%M:%S} UTC"
        since = f"since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
        return Condition("waiting", "failing", f"failing {since}, {endpoint.attempts} times: {again}")
    return Condition("working", "working", "working")


@page
def webhooks(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show every endpoint, and the form that registers another."""
    rows = [(endpoint, condition(endpoint)) for endpoint in Endpoint.objects.all()]
    may_register = settings.WEBHOOKS and request.user.has_perm(OPERATE)
    return shown(
        request, "webhooks.html", frame, "consumers", rows=rows, may_register=may_register, is_on=settings.WEBHOOKS
    )


@page
def webhook(request: HttpRequest, frame: Frame, webhook_uuid: UUID) -> HttpResponseBase:
    """Show one endpoint and what was sent to it."""
    return _shown(request, frame, _of(webhook_uuid))


def _shown(request: HttpRequest, frame: Frame, endpoint: Endpoint, secret: str = "") -> HttpResponseBase:
    deliveries = list(endpoint.deliveries.all()[:_SHOWN])
    failing = next((one for one in deliveries if one.position > endpoint.position), None)
    response = shown(
        request,
        "webhook.html",
        frame,
        "consumers",
        endpoint=endpoint,
        condition=condition(endpoint),
        deliveries=deliveries,
        failing=failing,
        secret=secret,
        actions=history.actions(f"webhook {endpoint.pk}"),
        may_operate=request.user.has_perm(OPERATE),
        about=ACTIONS,
    )
    if secret:
        response.headers["Cache-Control"] = "no-store"
    return response


def _of(uuid: UUID) -> Endpoint:
    found = Endpoint.objects.filter(pk=uuid).first()
    if found is None:
        raise NotFound(f"There is no webhook {uuid}.")
    return found


@csrf_protect
def register(request: HttpRequest) -> HttpResponseBase:
    """Register an endpoint, and show its secret once."""
    return _acted(request, None)


@csrf_protect
def act(request: HttpRequest, webhook_uuid: UUID) -> HttpResponseBase:
    """Act on an endpoint once it is confirmed; a new secret is shown once."""
    return _acted(request, webhook_uuid)


def _acted(request: HttpRequest, uuid: UUID | None) -> HttpResponseBase:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("books:login"))
    if not request.user.has_perms((VIEW, OPERATE)):
        return refusal(request, "You may not do that.", f"It asks for the permissions {VIEW} and {OPERATE}.", 403)
    actor = request.user.get_username()
    try:
        check_parameters(request.POST)
        if uuid is None:
            url, description, types = (_text(request.POST, name) for name in ("url", "description", "types"))
            made = endpoints.register(uuid4(), url, types.replace(",", " ").split(), description, actor=actor)
            return _shown(request, framed({}), made, made.secret)
        return _done(request, _of(uuid), actor)
    except Refused as refused:
        return refusal(request, refused.reason, "Nothing was changed.", refused.status)
    except OperationRefused as refused:
        text, status = str(refused), 404 if isinstance(refused, NoSuchEndpoint) else 409
        return refusal(request, f"{text[:1].upper()}{text[1:]}.", "Nothing was changed.", status)


def _done(request: HttpRequest, endpoint: Endpoint, actor: str) -> HttpResponseBase:
    """Ask for a confirmation, then act, recorded with who and why."""
    asked = asked_of(request, ACTIONS)
    if not asked.is_confirmed:
        return _confirmation(request, endpoint, asked)
    why: _Why = {"actor": actor, "reason": asked.reason}
    match asked.action:
        case "disable":
            endpoints.disable(endpoint.pk, **why)
        case "enable":
            endpoints.enable(endpoint.pk, **why)
        case "skip":
            endpoints.skip(endpoint.pk, asked.position, **why)
        case "redeliver":
            endpoints.redeliver(endpoint.pk, asked.position, **why)
        case "rotate":
            secret = endpoints.rotate(endpoint.pk, **why)
            return _shown(request, framed({}), _of(endpoint.pk), secret)
        case _:
            endpoints.delete(endpoint.pk, **why)
            return HttpResponseRedirect(reverse("books:webhooks"))
    return HttpResponseRedirect(reverse("books:webhook", args=[endpoint.pk]))


def _confirmation(request: HttpRequest, endpoint: Endpoint, asked: Asked) -> HttpResponseBase:
    facts = [Fact("It has taken", f"the events up to {endpoint.position}"), Fact("It is", condition(endpoint).sentence)]
    if asked.action in _ABOUT_AN_EVENT:
        if not endpoint.deliveries.filter(position=asked.position).exists():
            raise Refused(f"Nothing of position {asked.position} was sent to the endpoint in the last 30 days.", 409)
        facts.append(Fact("Event", asked.position, reverse("books:event", args=[asked.position])))
    page, act_on = (reverse(f"books:{address}", args=[endpoint.pk]) for address in ("webhook", "webhook-act"))
    subject = Subject(endpoint.url, page, act_on, _BUTTONS[asked.action])
    return confirmation(request, subject, asked, ACTIONS[asked.action], facts)


def _text(form: QueryDict, name: str) -> str:
    given = form.get(name, "").strip()
    longest = 2000 if name in {"url", "types"} else _LONGEST
    if len(given) > longest or "\x00" in given:
        raise Refused(f"{name} must have at most {longest} characters.")
    return given
