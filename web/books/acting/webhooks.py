"""The pages of webhooks: the endpoints, what was sent to each, and what operators do to them."""

from collections.abc import Mapping
from typing import Final
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
from web.books.consumers import Condition
from web.books.frame import Frame, NotFound, Refused, framed, page, refusal, shown
from web.books.parameters import whole_number

ACTIONS: Final[Mapping[str, str]] = {
    "disable": "Nothing is sent until somebody enables it; it keeps its position.",
    "enable": "It goes on behind its last event, at once.",
    "rotate": "A new secret signs, and for a day the one before signs as well.",
    "delete": "The endpoint and the list of its deliveries are deleted.",
    "skip": "The event that it does not take is passed over.",
    "redeliver": "The event is sent again, beside the order of the others.",
}
"""The actions, each with what it does."""
_SHOWN: Final = 100
_LONGEST: Final = 200


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
    """Act on an endpoint; a new secret is shown once."""
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
    action, reason = request.POST.get("action", ""), _text(request.POST, "reason")
    position = whole_number(request.POST, "position", default=0)
    match action:
        case "disable":
            endpoints.disable(endpoint.pk, actor=actor, reason=reason)
        case "enable":
            endpoints.enable(endpoint.pk, actor=actor, reason=reason)
        case "skip":
            endpoints.skip(endpoint.pk, position, actor=actor, reason=reason)
        case "redeliver":
            endpoints.redeliver(endpoint.pk, position, actor=actor, reason=reason)
        case "rotate":
            secret = endpoints.rotate(endpoint.pk, actor=actor, reason=reason)
            return _shown(request, framed({}), _of(endpoint.pk), secret)
        case "delete":
            endpoints.delete(endpoint.pk, actor=actor, reason=reason)
            return HttpResponseRedirect(reverse("books:webhooks"))
        case _:
            raise Refused(f"action={action[:50]} is not possible: it must be {', '.join(ACTIONS)}.")
    return HttpResponseRedirect(reverse("books:webhook", args=[endpoint.pk]))


def _text(form: QueryDict, name: str) -> str:
    given = form.get(name, "").strip()
    longest = 2000 if name in {"url", "types"} else _LONGEST
    if len(given) > longest or "\x00" in given:
        raise Refused(f"{name} must have at most {longest} characters.")
    return given
