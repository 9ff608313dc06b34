"""What each customer owes, and the late fees that were recorded after the date that they count for.

The customer is the obligor of a product.
"""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key
from projectors.schema.products import FinancialProduct
from projectors.schema.sums import SumField


def _index_of_owing(name: str, *fields: str) -> models.Index:
    return models.Index(fields=["generation", *fields], name=name, condition=models.Q(owes=True))


class OwedProduct(ReadModelRow):
    """What a product owes, and who owes it."""

    product_uuid = models.UUIDField()
    company_uuid = models.UUIDField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    due_date = models.DateField()
    principal = models.BigIntegerField(help_text="Outstanding.")
    fees = SumField(help_text="Outstanding.")
    owed = SumField(default=0, help_text="Principal and fees outstanding.")
    given_up = SumField(default=0, help_text="Written off, less what was reversed.")
    owes = models.BooleanField(help_text="Whether principal or fees are outstanding.")
    status = models.CharField(
        max_length=12, choices=FinancialProduct.Status.choices, default=FinancialProduct.Status.OPEN
    )
    originated_position = models.BigIntegerField(default=0)
    settled_date = models.DateField(null=True, blank=True, help_text="The booking date on which it last owed nothing.")
    settled_periods = models.JSONField(
        default=list,
        blank=True,
        help_text="Between which booking dates it was settled and owed again, without what late fees have filled.",
    )

    class Meta:
        constraints: ClassVar = [key("owed_product_key", "product_uuid")]
        indexes: ClassVar = [
            _index_of_owing("owed_product_due", "due_date", "product_uuid"),
            _index_of_owing("owed_product_owed", "currency", "-owed", "product_uuid"),
            _index_of_owing("owed_product_fees", "currency", "-fees", "product_uuid"),
            _index_of_owing("owed_product_of_customer", "company_uuid", "due_date", "product_uuid"),
            models.Index(
                fields=["generation", "status", "due_date", "product_uuid"],
                name="owed_product_status",
            ),
            models.Index(
                fields=["generation", "company_uuid", "status", "due_date", "product_uuid"],
                name="owed_product_status_of",
            ),
        ]

    def __str__(self) -> str:
        return f"product {self.product_uuid}"


class DueSum(ReadModelRow):
    """The sums of the products of a currency with a due date and a status. They make the totals of lists."""

    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    due_date = models.DateField()
    status = models.CharField(max_length=12, choices=FinancialProduct.Status.choices)
    products = models.BigIntegerField(default=0)
    owing = models.BigIntegerField(default=0, help_text="Products that owe something.")
    owed = SumField(default=0, help_text="Principal and fees outstanding.")
    fees = SumField(default=0, help_text="Outstanding.")

    class Meta:
        constraints: ClassVar = [key("due_sum_key", "currency", "minor_digits", "due_date", "status")]

    def __str__(self) -> str:
        return f"{self.status} in {self.currency} due on {self.due_date}"


class CustomerSum(ReadModelRow):
    """The sums of a customer in a currency; `overdue` is what is owed on products due before the last cycled date."""

    company_uuid = models.UUIDField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    products = models.BigIntegerField(default=0, help_text="Products that owe something.")
    overdue_products = models.BigIntegerField(default=0)
    principal = SumField(default=0, help_text="Outstanding.")
    fees = SumField(default=0, help_text="Outstanding.")
    owed = SumField(default=0, help_text="Principal and fees outstanding.")
    overdue = SumField(default=0)
    fees_incurred = SumField(default=0)
    fees_paid = SumField(default=0)
    fees_waived = SumField(default=0)

    class Meta:
        constraints: ClassVar = [key("customer_sum_key", "company_uuid", "currency", "minor_digits")]

    def __str__(self) -> str:
        return f"{self.company_uuid} in {self.currency}"


class CustomerLine(ReadModelRow):
    """What an event changed in what a customer owes in a currency, and the sums of the customer after it.

    A line without a product is of the cycle at which products became overdue.
    """

    company_uuid = models.UUIDField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    product_uuid = models.UUIDField(null=True, blank=True)
    event_type = models.CharField(max_length=100)
    business_date = models.DateField(null=True, blank=True)
    change = SumField(help_text="Of principal and fees outstanding.")
    products = models.BigIntegerField(help_text="Products that owe something.")
    overdue_products = models.BigIntegerField()
    fees = SumField(help_text="Outstanding.")
    owed = SumField(help_text="Principal and fees outstanding.")
    overdue = SumField()
    fees_incurred = SumField()
    fees_paid = SumField()
    fees_waived = SumField()

    class Meta:
        constraints: ClassVar = [key("customer_line_key", "company_uuid", "currency", "minor_digits", "position")]
        indexes: ClassVar = [
            models.Index(
                fields=["generation", "company_uuid", "business_date", "position"],
                name="customer_line_by_date",
                condition=models.Q(product_uuid__isnull=False),
            ),
            models.Index(fields=["generation", "position"], name="customer_line_by_position"),
        ]

    def __str__(self) -> str:
        return f"{self.company_uuid} in {self.currency} after {self.position}"


class CustomerRanking(ReadModelRow):
    """The customers with the greatest sums of a kind at a position, the greatest first. It never changes."""

    by = models.CharField(max_length=15, help_text="The sum by which they are ranked.")
    through = models.BigIntegerField(help_text="The last position whose events are in the sums.")
    customers = models.JSONField(help_text="A list of company_uuid, currency, minor_digits and sum.")
    is_all = models.BooleanField(default=False, help_text="Whether no other customer had a sum.")

    class Meta:
        constraints: ClassVar = [key("customer_ranking_key", "by", "through")]

    def __str__(self) -> str:
        return f"customers by {self.by} through {self.through}"


class LateRecordedFee(ReadModelRow):
    """A late fee that was booked after the date that it counts for; its position is that of its event."""

    product_uuid = models.UUIDField()
    company_uuid = models.UUIDField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    due_date = models.DateField()
    business_date = models.DateField()
    booking_date = models.DateField()
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [key("late_recorded_fee_key", "position")]
        indexes: ClassVar = [
            models.Index(fields=["generation", "company_uuid", "business_date"], name="late_recorded_fee_customer"),
            models.Index(fields=["generation", "booking_date", "business_date"], name="late_recorded_fee_dates"),
        ]

    def __str__(self) -> str:
        return f"fee of {self.product_uuid} for {self.business_date}, booked on {self.booking_date}"


class LateOwing(ReadModelRow):
    """A period in which a product owes a late recorded fee and, as known then, owed nothing; at the fee's position."""

    product_uuid = models.UUIDField()
    company_uuid = models.UUIDField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    due_date = models.DateField()
    after_date = models.DateField(help_text="The last date that began without the product owing.")
    until_date = models.DateField(help_text="The last date that began with it.")

    class Meta:
        constraints: ClassVar = [key("late_owing_key", "position", "after_date")]
        indexes: ClassVar = [
            models.Index(fields=["generation", "company_uuid", "after_date"], name="late_owing_customer"),
            models.Index(fields=["generation", "until_date", "after_date"], name="late_owing_dates"),
        ]
        verbose_name_plural = "late owing"

    def __str__(self) -> str:
        return f"{self.product_uuid} after {self.after_date} until {self.until_date}"


class LateAging(ReadModelRow):
    """What late recorded fees add to the aging of each date after one and up to another."""

    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    due_date = models.DateField()
    after_date = models.DateField()
    until_date = models.DateField(help_text="The last date whose aging lacks the fees.")
    fees = SumField(default=0)
    products = models.BigIntegerField(default=0)
    first_position = models.BigIntegerField(help_text="The event of the first fee; `position` is that of the last.")

    class Meta:
        constraints: ClassVar = [
            key("late_aging_key", "after_date", "until_date", "due_date", "currency", "minor_digits"),
        ]
        verbose_name_plural = "late aging"

    def __str__(self) -> str:
        return f"{self.currency} due on {self.due_date}, missing after {self.after_date} until {self.until_date}"
