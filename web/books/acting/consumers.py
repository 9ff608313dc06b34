"""What operators do to consumers in Books: each action is confirmed, and recorded with who and why."""

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
from web.books.acting.confirmation import Asked, Fact, Subject, asked_of, confirmation
from web.books.consumers import ACTIONS, status_of
from web.books.frame import Refused, check_parameters, refusal


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
        if not asked.is_confirmed:
            return _confirmation(request, status, asked)
        _act(request.user.get_username(), name, asked)
    except Refused as refused:
        return refusal(request, refused.reason, "Nothing was changed.", refused.status)
    except (OperationRefused, UnknownConsumer) as refused:
        return refusal(request, f"{refused}.", "Nothing was changed.", 409)
    return HttpResponseRedirect(f"{reverse('books:consumer', args=[name])}?done={asked.action}")


def _asked(request: HttpRequest, name: str) -> Asked:
    asked = asked_of(request, ACTIONS)
    if name.endswith(REBUILD_SUFFIX) and asked.action != "skip":
        raise Refused("A rebuild cannot be paused: pause its projector.", 409)
    return asked


def _confirmation(request: HttpRequest, status: Status, asked: Asked) -> TemplateResponse:
    own = status.name.removesuffix(REBUILD_SUFFIX)
    together = [name for name in (consumers.tied_to(own) if own in consumers.names else ()) if name != own]
    about, facts = ACTIONS[asked.action], [Fact("It stands at", f"{status.position} of {status.head} events")]
    if asked.action == "skip":
        facts.append(Fact("Event", asked.position, reverse("books:event", args=[asked.position])))
    elif together:
        about += f" Its group goes with it: {', '.join(together)}."
    page, act_on = (reverse(f"books:{address}", args=[status.name]) for address in ("consumer", "consumer-act"))
    subject = Subject(status.name.replace("_", " "), page, act_on, asked.action.capitalize())
    return confirmation(request, subject, asked, about, facts)


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
