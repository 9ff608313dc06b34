"""What is known of one consumer over time: its lag of the last hours, and what operators did to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from eventstore.clock import utc_now
from eventstore.consumers import checkpoints
from eventstore.consumers.registry import consumers
from eventstore.models import Checkpoint, LagSample, OperatorAction


def lag_samples(name: str, hours: int) -> tuple[datetime, list[LagSample]]:
    """Return the present, and the samples of the hours before it, oldest first."""
    end = utc_now()
    rows = LagSample.objects.using(_database_of(name)).filter(name=name, minute__gte=end - timedelta(hours=hours))
    return end, list(rows.order_by("minute"))


def actions(name: str, limit: int = 20) -> list[OperatorAction]:
    """Return what operators did to a consumer, newest first."""
    own = name.removesuffix(checkpoints.REBUILD_SUFFIX)
    return list(OperatorAction.objects.using(_database_of(name)).filter(consumer=own).order_by("-id")[:limit])


def last_pause(name: str) -> OperatorAction | None:
    """Return who paused a consumer, or one that is tied to it, last; None if nobody did.

    What is no consumer, such as `follower NAME`, is tied to none.
    """
    own = name.removesuffix(checkpoints.REBUILD_SUFFIX)
    tied = consumers.tied_to(own) if own in consumers.names else [own]
    pauses = OperatorAction.objects.using(_database_of(name)).filter(consumer__in=tied, action="pause")
    return pauses.order_by("-id").first()


def pause_in_words(name: str) -> str:
    """Return that a consumer is paused, by whom, why and since when; `paused` alone if nobody knows."""
    action = last_pause(name)
    if action is None:
        return "paused"
    why = f": {checkpoints.one_line(action.reason)}" if action.reason.strip() else ""
    return f"paused by {action.actor}{why}, since {action.at:%Y-%m-%d %H:%M} UTC"


def standstill(name: str) -> str:
    """Return why a consumer does not go on, with the remedy; an empty text if it is neither paused nor stopped."""
    own = name.removesuffix(checkpoints.REBUILD_SUFFIX)
    rows = checkpoints.load(consumers.tied_to(own), _database_of(own))
    if any(row.paused for row in rows):
        return f"{pause_in_words(own)}; to let it go on: manage.py consumers resume {own}"
    stopped = next((row for row in rows if row.error_position is not None), None)
    if stopped is None:
        return ""
    whose = "" if stopped.name == own else f" with {stopped.name}"
    why = checkpoints.one_line(stopped.error_message)
    return f"stopped{whose} at position {stopped.error_position}: {why}; look at manage.py consumers"


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """A rebuild that is asked for or in progress: who asked, when and why, and how far it is; 0 if it has not begun."""

    actor: str
    reason: str
    asked_at: datetime
    began_at: datetime | None
    position: int


def rebuildings() -> dict[str, Rebuilding]:
    """Return the rebuilds that are asked for or in progress, by the name of each projector that takes part."""
    using = str(settings.READ_DATABASE)
    rows = {row.name: row for row in Checkpoint.objects.using(using).exclude(kind=Checkpoint.Kind.PROCESS_MANAGER)}
    found: dict[str, Rebuilding] = {}
    for name in consumers.projectors:
        live, own = rows.get(name), rows.get(name + checkpoints.REBUILD_SUFFIX)
        request = None if live is None else live.rebuild_request
        action = None if request is None and own is None else _asked(name, request, using)
        if action is not None:
            began_at, position = (None, 0) if own is None else (own.registered_at, own.position)
            found[name] = Rebuilding(action.actor, action.reason, action.at, began_at, position)
    return found


def _asked(name: str, request: int | None, using: str) -> OperatorAction | None:
    """Return the operator action that asks for a rebuild, or the last one that began one."""
    actions = OperatorAction.objects.using(using)
    if request is not None:
        return actions.filter(pk=request).first()
    tied = consumers.tied_to(name)
    return actions.filter(consumer__in=tied, action=OperatorAction.Action.REBUILD).order_by("-id").first()


def _database_of(name: str) -> str:
    own = name.removesuffix(checkpoints.REBUILD_SUFFIX)
    # Operators also act on what is no consumer itself: on an endpoint of webhooks, and on a follower.
    return consumers.database_of(own) if own in consumers.names else "default"
