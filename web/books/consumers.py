"""The pages of consumers: how each stands in words, its lag over time, and what operators may do."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect

from eventstore.consumers import history, operator_actions
from eventstore.consumers.checkpoints import REBUILD_SUFFIX
from eventstore.consumers.status import Status, statuses
from eventstore.errors import OperationRefused
from ledger.names import OPERATE
from web.books import charts
from web.books.frame import Frame, NotFound, Refused, page, refusal, shown, whole_number

ACTIONS: Final = ("pause", "resume", "skip")
_LONGEST_REASON: Final = 200


def condition(status: Status) -> tuple[str, str]:
    """Return how a consumer stands: a word for its colour, and a sentence."""
    if status.error is not None:
        return "stopped", f"stopped at event {status.error.position} because {status.error.message}"
    if status.state == "paused":
        pause = history.last_pause(status.name)
        by = f" by {pause.actor}" if pause else ""
        why = f": {pause.reason}" if pause and pause.reason else ""
        return "paused", f"paused{by}{why}"
    if status.state == "waiting":
        return "paused", f"waits for {status.waiting_for}, which is paused or stopped"
    if status.state == "running":
        return "working", "working" if status.lag_events else "at the head, working"
    if not status.lag_events:
        return "resting", "resting: at the head, and not seen lately"
    return "stopped", f"not running: {status.lag_events} events behind, and not seen lately"


@page
def consumers(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show every consumer."""
    rows = [(status, *condition(status)) for status in statuses()]
    return shown(request, "consumers.html", frame, "consumers", rows=rows)


@page
def consumer(request: HttpRequest, frame: Frame, name: str) -> HttpResponseBase:
    """Show one consumer, its lag over an hour and a day, and what operators did to it."""
    status = _status(name)
    word, sentence = condition(status)
    lags = [charts.of_lag(hours, *history.lag_samples(name, hours)) for hours in (1, 24)]
    return shown(
        request,
        "consumer.html",
        frame,
        "consumers",
        status=status,
        word=word,
        sentence=sentence,
        lags=lags,
        actions=history.actions(name),
        may_operate=request.user.has_perm(OPERATE),
        done=request.GET.get("done", ""),
    )


def _status(name: str) -> Status:
    found = next((status for status in statuses() if status.name == name), None)
    if found is None:
        raise NotFound(f"There is no consumer {name}.")
    return found


@csrf_protect
def act(request: HttpRequest, name: str) -> HttpResponseBase:
    """Pause, resume or skip, recorded with who and why."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("books:login"))
    if not request.user.has_perm(OPERATE):
        return refusal(request, "You may not do that.", f"It asks for the permission {OPERATE}.", 403)
    try:
        done = _act(request, _status(name))
    except Refused as refused:
        return refusal(request, refused.reason, "", refused.status)
    except OperationRefused as refused:
        return refusal(request, f"{refused}.", "Nothing was changed.", 409)
    return HttpResponseRedirect(f"{reverse('books:consumer', args=[name])}?done={done}")


def _act(request: HttpRequest, status: Status) -> str:
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "").strip()
    if action not in ACTIONS:
        raise Refused(f"action={action} is not possible: it must be {', '.join(ACTIONS)}.")
    if not reason:
        raise Refused("Give a reason: it is kept with what you do, for those who ask later.")
    if len(reason) > _LONGEST_REASON:
        raise Refused(f"The reason has {len(reason)} characters: it must have at most {_LONGEST_REASON}.")
    if status.name.endswith(REBUILD_SUFFIX) and action != "skip":
        raise Refused("A rebuild cannot be paused: pause its projector.", 409)
    actor = request.user.get_username()
    if action == "pause":
        operator_actions.pause(status.name, actor=actor, reason=reason)
    elif action == "resume":
        operator_actions.resume(status.name, actor=actor, reason=reason)
    else:
        position = whole_number(request.POST, "position", default=0)
        operator_actions.skip(status.name, position, actor=actor, reason=reason)
    return action
