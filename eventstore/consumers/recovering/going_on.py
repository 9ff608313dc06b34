"""Lets consumers go on after their store went back, each with a record of who let it, when and why."""

from django.db import transaction

from eventstore import store
from eventstore.consumers import checkpoints, operator_actions
from eventstore.consumers.recovering.differences import Difference, Remedy
from eventstore.consumers.registry import consumers
from eventstore.errors import OperationRefused
from eventstore.models import Checkpoint, OperatorAction


def let_go_on(found: Difference, *, actor: str, reason: str) -> bool:
    """Apply the remedy of a difference, and record it; False if there is nothing to do, or somebody was faster.

    Raises OperationRefused without a reason.
    """
    if not reason.strip():
        raise OperationRefused("a recovery needs a reason: it is recorded for those who ask later")
    if found.row is None or found.remedy in {Remedy.BY_HAND, Remedy.UNDER_WAY}:
        return False
    with transaction.atomic(using=found.using):
        rows = checkpoints.load([found.row.name], found.using, lock=True)
        if found.remedy is Remedy.REBUILD and any(row.rebuild_request is not None for row in rows):
            return True  # asked for with its group, or by somebody else
        try:
            checkpoints.check_unchanged(rows, [found.row])
        except checkpoints.StaleCheckpoint:
            return False
        record = operator_actions.record(
            OperatorAction.Action.RECOVER,
            found.row.name.removesuffix(checkpoints.REBUILD_SUFFIX),
            found.using,
            actor=actor,
            reason=reason,
            position=found.row.went_back_from or found.row.position,
        )
        _apply(found, rows[0], record.pk)
    return True


def _apply(found: Difference, row: Checkpoint, action: int) -> None:
    rows = Checkpoint.objects.using(found.using)
    match found.remedy:
        case Remedy.GO_ON:
            rows.filter(name=row.name).update(**checkpoints.NO_ERROR)
        case Remedy.REBUILD:
            rows.filter(name__in=consumers.tied_to(row.name)).update(rebuild_request=action)
        case Remedy.BEGIN_ANEW:
            rows.filter(name=row.name).delete()
        case Remedy.MOVE:
            head = store.head()
            at = {"position": head.position, "recorded_at": head.recorded_at}
            rows.filter(name=row.name).update(**at, progress=None, error_count=0, **checkpoints.NO_ERROR)
