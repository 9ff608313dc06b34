"""The lines of the double-entry journal."""

from typing import ClassVar

from django.db import models

from projectors.schema.rows import ReadModelRow, key
from projectors.schema.sums import SumField


class JournalLine(ReadModelRow):
    """One line of the double-entry journal, at the position of its event; either `debit` or `credit` is zero."""

    line = models.SmallIntegerField()
    event_type = models.CharField(max_length=100)
    business_date = models.DateField(null=True, blank=True)
    booking_date = models.DateField(null=True, blank=True)
    account = models.CharField(max_length=30)
    party_type = models.CharField(max_length=10)
    party_uuid = models.UUIDField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    debit = SumField(default=0)
    credit = SumField(default=0)
    reference = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [key("journal_line_key", "position", "line")]
        indexes: ClassVar = [
            models.Index(fields=["generation", "account", "position", "line"], name="journal_line_by_account"),
            models.Index(fields=["generation", "party_uuid", "position", "line"], name="journal_line_by_party"),
        ]

    def __str__(self) -> str:
        return f"{self.position}.{self.line} {self.account}"
