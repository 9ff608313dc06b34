"""What operators do to consumers, such as pause and resume, each recorded with who, when and why, with its change."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from unicodedata import category

from django.db import transaction

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers import checkpoints, generations
from eventstore.consumers.history import pause_in_words
from eventstore.consumers.registry import PROJECTOR, consumers, databases
from eventstore.errors import BehindItsGroup, OperationRefused
from eventstore.models import Checkpoint, LagSample, OperatorAction

_logger = logging.getLogger(__name__)


def pause(name: str, *, actor: str, reason: str = "") -> None:
    """Pause a consumer and its group from the next transaction on; one that never ran is registered first.

    Raises UnknownConsumer, and OperationRefused if it is paused.
    """
    using = consumers.database_of(name)
    with transaction.atomic(using=using):
        checkpoints.register(name)
        rows = checkpoints.load(consumers.tied_to(name), using, lock=True)
        if all(row.paused for row in rows):
            raise OperationRefused(f"{name} is paused already: {pause_in_words(name)}")
        _change(rows, using, paused=True)
        record(OperatorAction.Action.PAUSE, name, using, actor=actor, reason=reason)


def resume(name: str, *, actor: str, reason: str = "") -> None:
    """Let a paused consumer go on, and a stopped one try again at once.

    Raises UnknownConsumer, and OperationRefused if it is neither.
    """
    using = consumers.database_of(name)
    with transaction.atomic(using=using):
        rows = checkpoints.load(consumers.tied_to(name), using, lock=True)
        if not any(row.paused or row.error_position is not None for row in rows):
            raise OperationRefused(f"{name} is neither paused nor stopped: there is nothing to resume")
        _change(rows, using, paused=False, **checkpoints.NO_ERROR)
        record(OperatorAction.Action.RESUME, name, using, actor=actor, reason=reason)


def skip(name: str, position: int, *, actor: str, reason: str) -> None:
    """Let a consumer pass over the event at which it stopped, and over no other.

    The name of a stopped rebuild is `<projector>@rebuild`. Raises UnknownConsumer and OperationRefused.
    """
    if not reason.strip():
        raise OperationRefused("a skip needs a reason: it is recorded for those who ask later")
    consumer = name.removesuffix(checkpoints.REBUILD_SUFFIX)
    if name != consumer and consumers.kind(consumer) != PROJECTOR:
        raise OperationRefused(f"{consumer} is a {_in_words(consumer)}: it has no rebuild")
    using = consumers.database_of(consumer)
    with transaction.atomic(using=using):
        rows = checkpoints.load([name], using, lock=True)
        _refuse_skip(rows[0] if rows else None, name, position)
        _change(rows, using, **checkpoints.NO_ERROR)
        record(OperatorAction.Action.SKIP, consumer, using, actor=actor, reason=reason, position=position)


def request_rebuild(name: str, *, actor: str, reason: str) -> None:
    """Ask the running projector to rebuild its read model, and its group's, beside the rows that answer queries.

    Raises UnknownConsumer, and OperationRefused if it is no projector, without a reason, or if it is asked for already.
    """
    if consumers.kind(name) != PROJECTOR:
        raise OperationRefused(f"{name} is a {_in_words(name)}: what it did is final, so it cannot be rebuilt")
    if not reason.strip():
        raise OperationRefused("a rebuild needs a reason: it is recorded for those who ask later")
    using = consumers.database_of(name)
    with transaction.atomic(using=using):
        with suppress(BehindItsGroup):  # a rebuild is what a new member of a group needs
            checkpoints.register(name)
        rows = checkpoints.load(consumers.tied_to(name), using, lock=True)
        if any(row.rebuild_request is not None for row in rows):
            raise OperationRefused(f"a rebuild of {name} is asked for already")
        action = record(OperatorAction.Action.REBUILD, name, using, actor=actor, reason=reason)
        _change(rows, using, rebuild_request=action.pk)


def retire(name: str, *, actor: str, reason: str) -> None:
    """Forget a consumer that is not in the code any more, or was renamed; its rows of read models stay in their tables.

    Raises OperationRefused if the code has it, if it has no checkpoint, or without a reason.
    """
    if not reason.strip():
        raise OperationRefused("a retirement needs a reason: it is recorded for those who ask later")
    if name in consumers.names:
        raise OperationRefused(f"{name} is in the code: only a consumer whose code is gone can be retired")
    names = [name, name + checkpoints.REBUILD_SUFFIX]
    retired = False
    for using in databases():
        with transaction.atomic(using=using):
            rows = checkpoints.load(names, using, lock=True)
            if rows:
                Checkpoint.objects.using(using).filter(name__in=names).delete()
                LagSample.objects.using(using).filter(name__in=names).delete()
                generations.forget([name], using)
                at = max(row.position for row in rows)
                record(OperatorAction.Action.RETIRE, name, using, actor=actor, reason=reason, position=at)
                retired = True
    if not retired:
        raise OperationRefused(f"there is no consumer {name!r} to retire; `consumers` lists those whose code is gone")


def _refuse_skip(row: Checkpoint | None, name: str, position: int) -> None:
    if row is None or row.error_position is None:
        raise OperationRefused(f"{name} is not stopped: there is nothing to skip")
    if row.error_position != position:
        raise OperationRefused(f"{name} stopped at position {row.error_position}, and only that can be skipped")
    if position <= row.position:
        raise OperationRefused(f"{name} is past position {position}: no skip helps against {row.error_message}")
    if store.read_event(position) is None:
        raise OperationRefused(f"there is no event at position {position}: a hole in the log cannot be skipped")


def record(  # noqa: PLR0913 - the row's own columns
    action: str, name: str, using: str, *, actor: str, reason: str = "", position: int | None = None
) -> OperatorAction:
    """Record what an operator did, in the transaction that does it, and return it.

    Raises OperationRefused if the reason has control characters: a terminal that shows it would obey them.
    """
    if any(category(character) == "Cc" for character in reason):
        raise OperationRefused("a reason is one line of text: it has no control characters")
    action_row = OperatorAction.objects.using(using).create(
        consumer=name, action=action, position=position, actor=actor, reason=reason.strip(), at=utc_now()
    )
    facts = {"consumer": name, "action": str(action), "position": position, "actor": actor, "reason": reason.strip()}
    transaction.on_commit(lambda: _logger.info("operator action", extra=facts), using=using)
    return action_row


def newest(using: str) -> int:
    """Return the id of the newest operator action, 0 if there is none."""
    return OperatorAction.objects.using(using).order_by("-id").values_list("id", flat=True).first() or 0


def _change(rows: Sequence[Checkpoint], using: str, **changes: object) -> None:
    Checkpoint.objects.using(using).filter(name__in=[row.name for row in rows]).update(**changes)


def _in_words(name: str) -> str:
    return consumers.kind(name).replace("_", " ")
