"""What is known of one consumer over time: its lag of the last hours, and what operators did to it."""

from datetime import datetime, timedelta

from eventstore.clock import utc_now
from eventstore.consumers import checkpoints
from eventstore.consumers.registry import consumers
from eventstore.models import LagSample, OperatorAction


def lag_samples(name: str, hours: int) -> tuple[datetime, datetime, list[LagSample]]:
    """Return the beginning and the end of a time that ends now, and the samples of it, oldest first."""
    end = utc_now()
    start = end - timedelta(hours=hours)
    samples = LagSample.objects.using(_database_of(name)).filter(name=name, minute__gte=start).order_by("minute")
    return start, end, list(samples)


def actions(name: str, limit: int = 20) -> list[OperatorAction]:
    """Return what operators did to a consumer, newest first."""
    own = name.removesuffix(checkpoints.REBUILD_SUFFIX)
    return list(OperatorAction.objects.using(_database_of(name)).filter(consumer=own).order_by("-id")[:limit])


def last_pause(name: str) -> OperatorAction | None:
    """Return who paused a consumer, or one that is tied to it, last; None if nobody did."""
    tied = consumers.tied_to(name.removesuffix(checkpoints.REBUILD_SUFFIX))
    pauses = OperatorAction.objects.using(_database_of(name)).filter(consumer__in=tied, action="pause")
    return pauses.order_by("-id").first()


def _database_of(name: str) -> str:
    return consumers.database_of(name.removesuffix(checkpoints.REBUILD_SUFFIX))
