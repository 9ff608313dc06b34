"""The lines of the double-entry journal, and their sums by account."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key
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


class AccountSum(ReadModelRow):
    """The debits and the credits of an account in a currency, added up from the first line to a position.

    The rows of THROUGH_ALL add up every line. The others are snapshots: their sums never change again.
    """

    THROUGH_ALL: ClassVar = 2**63 - 1

    through = models.BigIntegerField(help_text="The last position whose lines are added up.")
    account = models.CharField(max_length=30)
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    debit = SumField(default=0)
    credit = SumField(default=0)

    class Meta:
        constraints: ClassVar = [key("account_sum_key", "through", "account", "currency", "minor_digits")]

    def __str__(self) -> str:
        return f"{self.account} in {self.currency}"


class LateAccountSum(ReadModelRow):
    """The same for lines that were booked on one date and count for an earlier one."""

    business_date = models.DateField()
    booking_date = models.DateField()
    account = models.CharField(max_length=30)
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    debit = SumField(default=0)
    credit = SumField(default=0)
    first_position = models.BigIntegerField(help_text="The event of the first line; `position` is that of the last.")

    class Meta:
        constraints: ClassVar = [
            key("late_account_sum_key", "business_date", "booking_date", "account", "currency", "minor_digits"),
        ]

    def __str__(self) -> str:
        return f"{self.account} in {self.currency} for {self.business_date}, booked on {self.booking_date}"
