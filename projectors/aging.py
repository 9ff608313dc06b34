"""Keeps what was owed at the beginning of each business date, by how long it was past due.

It reads the products as they are when it handles the cycle. They are as they were at the cycle's position, because
aging is in one group with financial_products. Fees age with their product; the date's own fees are not yet included.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from django.db.models import Case, Count, Max, Model, Value, When

from eventstore.consumers.definitions import Projector
from eventstore.records import RecordedEvent
from projectors.errors import DateBeganTwice
from projectors.events.payloads import payload_of
from projectors.models import AgingBucket, FinancialProduct
from projectors.schema.sums import ExactSum

_Bucket = AgingBucket.Bucket


class Aging(Projector):
    """Projects one row for each cycled date, currency and bucket in which anything is owed."""

    name: ClassVar[str] = "aging"
    depends_on: ClassVar[tuple[str, ...]] = ("financial_products",)
    types: ClassVar[tuple[str, ...]] = ("SystemCycled",)
    tables: ClassVar[tuple[type[Model], ...]] = (AgingBucket,)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Write the buckets of each date; between two cycles of one batch no product has changed.

        Raises DateBeganTwice.
        """
        for event in events:
            on = date.fromisoformat(payload_of(event)["new_date"])
            if AgingBucket.objects.using(using).filter(generation=generation, business_date=on).exists():
                raise DateBeganTwice(on, event.position)
            AgingBucket.objects.using(using).bulk_create(
                AgingBucket(generation=generation, position=event.position, business_date=on, **bucket)
                for bucket in _buckets(on, generation, using)
            )


def bucket_of(due_date: date, on: date) -> str:
    """Return the bucket in which a due date is on a date."""
    for bucket, days in _LIMITS:
        if due_date >= _days_before(on, days):
            return bucket.value
    return _Bucket.OVER_90.value


def due_dates_of(bucket: str, on: date) -> tuple[date | None, date | None]:
    """Return the first and the last due date that are in a bucket on a date; None is no limit."""
    names = [limit.value for limit, _ in _LIMITS]
    if bucket not in names:
        return None, _days_before(on, _LIMITS[-1][1] + 1)
    place = names.index(bucket)
    last = None if place == 0 else _days_before(on, _LIMITS[place - 1][1] + 1)
    return _days_before(on, _LIMITS[place][1]), last


_LIMITS = ((_Bucket.CURRENT, 0), (_Bucket.DAYS_1_30, 30), (_Bucket.DAYS_31_60, 60), (_Bucket.DAYS_61_90, 90))


def _days_before(on: date, days: int) -> date:
    """Return the date so many days before, at the earliest `date.min`."""
    return date.fromordinal(max(1, on.toordinal() - days))


def _buckets(on: date, generation: int, using: str) -> Iterable[Mapping[str, Any]]:
    whens = [When(due_date__gte=_days_before(on, days), then=Value(bucket.value)) for bucket, days in _LIMITS]
    owing = FinancialProduct.objects.using(using).filter(generation=generation, owes=True)
    return (
        owing.values("currency", bucket=Case(*whens, default=Value(_Bucket.OVER_90.value)))
        .order_by("currency", "bucket")
        .annotate(
            minor_digits=Max("minor_digits"),
            principal=ExactSum("principal_outstanding"),
            fees=ExactSum("fees_outstanding"),
            products=Count("id"),
        )
    )
