"""What an import restores of consumers: where process managers are, and what operators did.

A process manager must not answer again what it has answered. Projectors begin at position 1 and need no more than the
skips of operators.
"""

import json

from eventstore import store
from eventstore.consumers.registry import consumers
from eventstore.models import Checkpoint, OperatorAction
from eventstore.moving.lines import ActionLine, ProcessManagerLine


def clear(using: str) -> None:
    """Delete checkpoints that were registered on the empty log.

    Process managers would answer every event, and relays that begin at the head would hand on every event.
    """
    kinds = (Checkpoint.Kind.PROCESS_MANAGER, Checkpoint.Kind.RELAY)
    Checkpoint.objects.using(using).filter(kind__in=kinds).delete()


def restore(line: ProcessManagerLine | ActionLine, head: int, using: str) -> None:
    """Record a line; ValueError if it cannot be of this log."""
    if isinstance(line, ProcessManagerLine):
        _restore_manager(line, head, using)
    else:
        _restore_action(line)


def _restore_manager(line: ProcessManagerLine, head: int, using: str) -> None:
    if line.name in consumers.projectors or line.name in consumers.relays:
        raise ValueError(
            f"{line.name} is a {consumers.kind(line.name)} of this code, and a process manager in the file"
        )
    if not 0 <= line.registered_position <= line.position <= head:
        raise ValueError(f"the checkpoint of {line.name} is at position {line.position}, and the log ends at {head}")
    event = store.read_event(line.position, using) if line.position else None
    Checkpoint.objects.using(using).create(
        name=line.name,
        kind=Checkpoint.Kind.PROCESS_MANAGER,
        position=line.position,
        recorded_at=None if event is None else event.recorded_at,
        progress=None if line.progress is None else json.loads(line.progress),
        paused=line.paused,
        registered_at=line.registered_at,
        registered_position=line.registered_position,
    )


def _restore_action(line: ActionLine) -> None:
    if line.action not in OperatorAction.Action.values:
        raise ValueError(f"{line.action!r} is not an action of operators")
    using = consumers.database_of(line.consumer) if line.consumer in consumers.names else "default"
    OperatorAction.objects.using(using).create(
        consumer=line.consumer,
        action=line.action,
        position=line.position,
        actor=line.actor,
        reason=line.reason,
        at=line.at,
    )
