"""What happened on each business date."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key
from projectors.schema.sums import SumField


class Activity(ReadModelRow):
    """Counts of events and sums of amounts."""

    currency = models.CharField(max_length=3, blank=True)
    minor_digits = models.SmallIntegerField(default=0)
    events = models.JSONField(help_text="Events by type.")
    fees_assessed = SumField(default=0)
    fees_waived = SumField(default=0)
    granted = SumField(default=0)
    paid_in = SumField(default=0, help_text="Received from outside, less what was reversed.")
    paid_out = SumField(default=0, help_text="Paid to outside, less what came back.")

    class Meta:
        abstract = True


class DailyActivity(Activity):
    """What happened on a business date in a currency.

    Before the first cycle the date is null; events without money count under the empty currency.
    """

    business_date = models.DateField(null=True, blank=True)

    class Meta:
        # Two constraints, because a unique key permits any number of rows whose date is null.
        constraints: ClassVar = [
            key("daily_activity_key", "business_date", "currency"),
            models.UniqueConstraint(
                fields=["generation", "currency"],
                name="daily_activity_undated_key",
                condition=models.Q(business_date__isnull=True),
            ),
        ]
        verbose_name_plural = "daily activity"

    def __str__(self) -> str:
        return f"{self.business_date} {self.currency}"


class LateActivity(Activity):
    """The part of a date's activity that was recorded after the date had ended."""

    business_date = models.DateField()
    booking_date = models.DateField()

    class Meta:
        constraints: ClassVar = [key("late_activity_key", "business_date", "currency", "booking_date")]
        verbose_name_plural = "late activity"

    def __str__(self) -> str:
        return f"{self.business_date} {self.currency}, booked on {self.booking_date}"
