"""What happened on each business date."""

from typing import ClassVar

from django.db import models

from projectors.schema.rows import ReadModelRow, key
from projectors.schema.sums import SumField


class DailyActivity(ReadModelRow):
    """What happened on a business date in a currency.

    Before the first cycle the date is null; events without money count under the empty currency.
    """

    business_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    minor_digits = models.SmallIntegerField(default=0)
    events = models.JSONField(help_text="Events by type.")
    fees_assessed = SumField(default=0)
    fees_waived = SumField(default=0)
    granted = SumField(default=0)
    paid_in = SumField(default=0, help_text="Received from outside, less what was reversed.")
    paid_out = SumField(default=0, help_text="Paid to outside, less what came back.")

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
