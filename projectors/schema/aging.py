"""What is owed, by days past due."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key
from projectors.schema.sums import SumField


class AgingBucket(ReadModelRow):
    """What was owed at the beginning of a business date, by how long it was past due."""

    class Bucket(models.TextChoices):
        """Days past due."""

        CURRENT = "current"
        DAYS_1_30 = "1-30"
        DAYS_31_60 = "31-60"
        DAYS_61_90 = "61-90"
        OVER_90 = "over 90"

    business_date = models.DateField()
    currency = models.CharField(max_length=3)
    bucket = models.CharField(max_length=10, choices=Bucket.choices)
    minor_digits = models.SmallIntegerField()
    principal = SumField()
    fees = SumField()
    products = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [key("aging_bucket_key", "business_date", "currency", "bucket")]

    def __str__(self) -> str:
        return f"{self.business_date} {self.currency} {self.bucket}"
