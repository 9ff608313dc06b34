"""What operators do to consumers in Books: each action is confirmed, and recorded with who and why."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect

from eventstore.consumers import operator_actions
from eventstore.consumers.checkpoints import REBUILD_SUFFIX
from eventstore.consumers.registry import consumers
from eventstore.consumers.status import Status
from eventstore.errors import OperationRefused, UnknownConsumer
from ledger.names import OPERATE, VIEW
from web.books.consumers import ACTIONS, status_of
from web.books.frame import SECTIONS, Refused, check_parameters, refusal
from web.books.parameters import whole_number

_LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator asks for."""

    action: str
    reason: str
    position: int


@csrf_protect
def act(request: HttpRequest, name: str) -> HttpResponseBase:
    """Ask for a confirmation, then pause, resume, skip or have rebuilt, recorded with who and why."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("books:login"))
    if not request.user.has_perms((VIEW, OPERATE)):
        return refusal(request, "You may not do that.", f"It asks for the permissions {VIEW} and {OPERATE}.", 403)
    try:
        check_parameters(request.POST)
        status, asked = status_of(name), _asked(request, name)
        if request.POST.get("confirmed") != "yes":
            return _confirmation(request, status, asked)
        _act(request.user.get_username(), name, asked)
    except Refused as refused:
        return refusal(request, refused.reason, "Nothing was changed.", refused.status)
    except (OperationRefused, UnknownConsumer) as refused:
        return refusal(request, f"{refused}.", "Nothing was changed.", 409)
    return HttpResponseRedirect(f"{reverse('books:consumer', args=[name])}?done={asked.action}")


def _asked(request: HttpRequest, name: str) -> Asked:
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "").strip()
    if action not in ACTIONS:
        raise Refused(f"action={action} is not possible: it must be {', '.join(ACTIONS)}.")
    if not reason:
        raise Refused("Give a reason: it is kept with what you do, for those who ask later.")
    if len(reason) > _LONGEST_REASON:
        raise Refused(f"The reason has {len(reason)} characters: it must have at most {_LONGEST_REASON}.")
    if name.endswith(REBUILD_SUFFIX) and action != "skip":
        raise Refused("A rebuild cannot be paused: pause its projector.", 409)
    return Asked(action, reason, whole_number(request.POST, "position", default=0))


def _confirmation(request: HttpRequest, status: Status, asked: Asked) -> TemplateResponse:
    own = status.name.removesuffix(REBUILD_SUFFIX)
    tied = consumers.tied_to(own) if own in consumers.names else ()
    context = {
        "status": status,
        "asked": asked,
        "about": ACTIONS[asked.action],
        "together": [name for name in tied if name != own],
        "frame": None,
        "section": "consumers",
        "sections": SECTIONS,
    }
    return TemplateResponse(request, "books/acting/consumer.html", context)


def _act(actor: str, name: str, asked: Asked) -> None:
    match asked.action:
        case "pause":
            operator_actions.pause(name, actor=actor, reason=asked.reason)
        case "resume":
            operator_actions.resume(name, actor=actor, reason=asked.reason)
        case "skip":
            operator_actions.skip(name, asked.position, actor=actor, reason=asked.reason)
        case _:
            operator_actions.request_rebuild(name, actor=actor, reason=asked.reason)
