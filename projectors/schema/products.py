"""Financial products."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key
from projectors.schema.sums import SumField


class FinancialProduct(ReadModelRow):
    """A product: its terms at origination, and what has been paid, charged and forgiven since."""

    class Status(models.TextChoices):
        """The status of a product."""

        OPEN = "open"
        PAID = "paid"
        WRITTEN_OFF = "written_off"

    product_uuid = models.UUIDField()
    deal_uuid = models.UUIDField()
    asset_uuid = models.UUIDField(null=True, blank=True)
    obligor_company_uuid = models.UUIDField()
    principal = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    minor_digits = models.SmallIntegerField()
    due_date = models.DateField()
    daily_late_fee_rate = models.CharField(max_length=20, help_text="A fraction a day, as the text that was recorded.")
    late_fee_payer_role = models.CharField(max_length=200)
    companies = models.JSONField(help_text="A list of {company_uuid, role}, as the deal had them.")
    reference = models.CharField(max_length=200)
    reference_identity = models.CharField(
        max_length=200,
        default="",
        db_default="",
        help_text="What all references that are the same have in common. See Note [Identity of text].",
    )
    principal_outstanding = models.BigIntegerField()
    principal_paid = models.BigIntegerField(default=0)
    fees_incurred = SumField(default=0)
    fees_paid = SumField(default=0)
    fees_waived = SumField(default=0)
    fees_outstanding = SumField(default=0)
    owes = models.BooleanField(help_text="Whether principal or fees are outstanding.")
    status = models.CharField(max_length=12, choices=Status.choices)
    originated_position = models.BigIntegerField()
    principal_zero_position = models.BigIntegerField(
        null=True, blank=True, help_text="The last event at which the principal outstanding reached zero."
    )
    owing_again_position = models.BigIntegerField(
        null=True, blank=True, help_text="The last event at which a reversal made principal outstanding again."
    )

    class Meta:
        constraints: ClassVar = [key("financial_product_key", "product_uuid")]
        # A fee changes no indexed column, so that PostgreSQL can update the row in place (HOT). `owes` exists for that.
        indexes: ClassVar = [
            models.Index(
                fields=["generation", "product_uuid", "due_date"],
                name="financial_product_owing",
                condition=models.Q(principal_outstanding__gt=0),
            ),
            models.Index(
                fields=["generation", "principal_zero_position", "product_uuid"],
                name="financial_product_zero",
                condition=models.Q(principal_zero_position__isnull=False),
            ),
            models.Index(
                fields=["generation", "owing_again_position", "product_uuid"],
                name="financial_product_owing_again",
                condition=models.Q(owing_again_position__isnull=False),
            ),
            models.Index(
                fields=["generation", "due_date", "product_uuid"],
                name="financial_product_owes",
                condition=models.Q(owes=True),
            ),
            models.Index(fields=["generation", "status", "product_uuid"], name="financial_product_status"),
            models.Index(fields=["generation", "deal_uuid", "product_uuid"], name="financial_product_deal"),
            models.Index(
                fields=["generation", "reference_identity", "product_uuid"], name="financial_product_reference"
            ),
            models.Index(
                fields=["generation", "obligor_company_uuid", "product_uuid"], name="financial_product_obligor"
            ),
            models.Index(
                fields=["generation", "asset_uuid", "product_uuid"],
                name="financial_product_asset",
                condition=models.Q(asset_uuid__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"product {self.product_uuid}"
