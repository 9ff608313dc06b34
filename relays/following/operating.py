"""What operators do to followers, each recorded with who, when and why, as for every consumer."""

from typing import Final

from django.db import transaction

from eventstore.consumers import operator_actions
from eventstore.consumers.history import pause_in_words
from eventstore.errors import OperationRefused
from relays.models import Follower

LONGEST_NAME: Final = 90
"""The most characters of a follower's name: an operator action has room for `follower` and the name."""
_NO_ERROR: Final = {"error_sequence": None, "error_message": "", "error_at": None}


def recorded_name(name: str) -> str:
    """Return what operator actions call a follower: a consumer of the same name may be another one."""
    return f"follower {name}"


def pause(name: str, *, actor: str, reason: str = "") -> None:
    """Pause a follower from the next transaction on; raises OperationRefused."""
    with transaction.atomic():
        row = _row(name)
        if row.paused:
            raise OperationRefused(f"{name} is paused already: {pause_in_words(recorded_name(name))}")
        Follower.objects.filter(name=name).update(paused=True)
        operator_actions.record("pause", recorded_name(name), "default", actor=actor, reason=reason)


def resume(name: str, *, actor: str, reason: str = "") -> None:
    """Let a follower go on, also beyond positions that are missing in the stream; raises OperationRefused."""
    with transaction.atomic():
        row = _row(name)
        if not row.paused and row.error_sequence is None:
            raise OperationRefused(f"{name} is neither paused nor stopped: there is nothing to resume")
        Follower.objects.filter(name=name).update(paused=False, **_NO_ERROR)  # it keeps `gap_to`, which is passed now
        operator_actions.record("resume", recorded_name(name), "default", actor=actor, reason=reason)


def skip(name: str, sequence: int, *, actor: str, reason: str) -> None:
    """Let a follower pass over the message at which its handler failed; raises OperationRefused."""
    if not reason.strip():
        raise OperationRefused("a skip needs a reason: it is recorded for those who ask later")
    with transaction.atomic():
        row = _row(name)
        if row.error_sequence != sequence or sequence != row.sequence + 1:
            state = "is not stopped" if row.error_sequence is None else f"stopped at message {row.error_sequence}"
            raise OperationRefused(f"{name} {state}, and only a message that its handler refused can be skipped")
        Follower.objects.filter(name=name).update(skip=sequence, **_NO_ERROR)
        at = row.position + 1
        operator_actions.record("skip", recorded_name(name), "default", actor=actor, reason=reason, position=at)


def _row(name: str) -> Follower:
    row = Follower.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise OperationRefused(f"there is no follower {name!r}; `followers` lists those that have run here")
    return row
