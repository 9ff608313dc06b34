"""The pages of consumers: how each stands in words, its lag over time, and what operators did to it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from eventstore.consumers import history
from eventstore.consumers.history import Rebuilding
from eventstore.consumers.registry import RELAY
from eventstore.consumers.registry import consumers as registered
from eventstore.consumers.status import DATABASE, Status, statuses
from ledger.names import OPERATE
from relays.following.status import follower_statuses
from web.books import charts, csv_export
from web.books.frame import Frame, NotFound, Refused, page, shown, takes

ACTIONS: Final[Mapping[str, str]] = {
    "pause": "It handles no event until somebody resumes it, and its read models stay where they are.",
    "resume": "It goes on with the next event. If it stopped at one, it tries that one again.",
    "skip": "It passes over this event for good, also in later rebuilds. Other consumers still handle the event.",
    "rebuild": "The running projector makes its rows again from the first event, beside the rows that answer queries,"
    " and then switches to the new ones. Links stay as they are.",
}
"""The actions, each with what it does."""


class Condition(NamedTuple):
    """How a consumer stands: a word for its colour, the word as people read it, and a sentence."""

    word: str
    label: str
    sentence: str

    @property
    def beside_label(self) -> str:
        """The sentence without the word with which it begins, to stand beside that word."""
        return self.sentence.removeprefix(self.label).lstrip(" :,")


def condition(status: Status) -> Condition:
    """Return how a consumer stands. No two conditions look the same, and only those that need somebody are alarming."""
    if status.state == "gone":
        return Condition("gone", "gone", "gone: this code has no such consumer; `consumers retire` forgets it")
    if status.state == "paused":
        return Condition("paused", "paused", history.pause_in_words(status.name))
    if status.error is not None:
        at = f" at event {status.error.position}" if status.error.position else ""
        return Condition("stopped", "stopped", f"stopped{at} because {status.error.message}")
    if status.waiting_for == DATABASE:
        return Condition("away", "waiting for the database", "waiting for the database, which is away or busy for it")
    if status.state == "waiting":
        state = "" if status.kind == RELAY else ", which is paused or stopped"
        return Condition("waiting", "waiting", f"waiting for {status.waiting_for}{state}")
    if status.state == "running":
        return Condition("working", "working", "working" if status.lag_events else "working, at the head")
    if not status.lag_events:
        return Condition("resting", "resting", "resting: at the head, and not seen lately")
    behind = f"{status.lag_events} event{'' if status.lag_events == 1 else 's'} behind"
    seen = "never seen" if status.last_seen is None else "not seen lately"
    return Condition("silent", "not running", f"not running, or waiting for its database: {behind}, and {seen}")


def rebuilding_in_words(rebuilding: Rebuilding | None, head: int) -> str:
    """Return how far a rebuild is and who asked for it; an empty text if there is none."""
    if rebuilding is None:
        return ""
    why = f": {rebuilding.reason}" if rebuilding.reason else ""
    if rebuilding.began_at is None:
        return (
            f"to be rebuilt, asked for by {rebuilding.actor} at {rebuilding.asked_at:%Y-%m-%d %H:%M} UTC{why};"
            " its running projector begins it"
        )
    since = f"being rebuilt since {rebuilding.began_at:%Y-%m-%d %H:%M} UTC, asked for by {rebuilding.actor}{why}"
    return f"{since}; {rebuilding.position} of {head} events are done"


@page
@takes("format")
def consumers(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show every consumer."""
    rebuildings = history.rebuildings()
    rows = [
        (status, condition(status), rebuilding_in_words(rebuildings.get(status.name), status.head))
        for status in statuses()
    ]
    if csv_export.is_wanted(request):
        return csv_export.export(frame.present, "consumers", _HEADER, (_cells(*row) for row in rows))
    return shown(request, "consumers.html", frame, "consumers", rows=rows, followers=follower_statuses())


_HEADER: Final = ("name", "kind", "condition", "sentence", "position", "head", "lag_events", "lag_seconds", "last_seen")


def _cells(status: Status, stands: Condition, rebuilding: str) -> tuple[Any, ...]:
    sentence = f"{stands.sentence}; {rebuilding}" if rebuilding else stands.sentence
    lag = (status.position, status.head, status.lag_events, status.lag_seconds)
    return (status.name, status.kind, stands.label, sentence, *lag, status.last_seen)


@page
@takes("done", "format")
def consumer(request: HttpRequest, frame: Frame, name: str) -> HttpResponseBase:
    """Show one consumer, its lag over an hour and a day, and what operators did to it."""
    status = status_of(name)
    end, samples = history.lag_samples(name, 24)
    if csv_export.is_wanted(request):
        lag = ((sample.minute, sample.lag_events, sample.lag_seconds) for sample in samples)
        return csv_export.export(frame.present, f"lag-of-{name}", ("minute", "lag_events", "lag_seconds"), lag)
    lags = [charts.of_lag(hours, end, samples) for hours in (1, 24)]
    return shown(
        request,
        "consumer.html",
        frame,
        "consumers",
        status=status,
        condition=condition(status),
        rebuilding=rebuilding_in_words(history.rebuildings().get(name), status.head),
        is_projector=name in registered.projectors,
        lags=lags,
        actions=history.actions(name),
        may_operate=request.user.has_perm(OPERATE),
        done=_done(request),
    )


def _done(request: HttpRequest) -> str:
    done = request.GET.get("done", "")
    if done and done not in ACTIONS:
        raise Refused(f"done={done} is not possible: it must be {', '.join(ACTIONS)}.")
    return done


def status_of(name: str) -> Status:
    """Return a consumer of this name, or its rebuild; raises NotFound."""
    found = next((status for status in statuses() if status.name == name), None)
    if found is None:
        raise NotFound(f"There is no consumer {name}.")
    return found
