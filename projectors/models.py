"""The tables of the read models; only its own projector writes to each.

Money is kept as whole numbers of the currency's smallest unit, because a decimal on SQLite is a float and loses digits.
`minor_digits` is the number of digits after the point. One amount has at most 18 digits and fits into 64 bits; whatever
adds up amounts is a SumField. See Note [Sums do not overflow].

# Note [Generations]
Each row belongs to a generation. Queries answer from the generation that the projector's checkpoint names; a rebuild
fills the next one beside it and then moves that pointer. `generation` therefore comes first in every key. `position` is
the event at which the row was last changed.
"""

from typing import ClassVar

from django.db import models

from projectors.sums import SumField


class ReadModelRow(models.Model):
    """A row of a read model. See Note [Generations]."""

    generation = models.IntegerField()
    position = models.BigIntegerField(help_text="The event at which the row was last changed.")

    class Meta:
        abstract = True


def _key(name: str, *fields: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["generation", *fields], name=name)


class Company(ReadModelRow):
    """A company in the directory; its currency is empty until the first money arrives."""

    company_uuid = models.UUIDField()
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3, blank=True, default="")

    class Meta:
        constraints: ClassVar = [_key("directory_company_key", "company_uuid")]
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class Deal(ReadModelRow):
    """A deal in the directory, with its companies and their roles as one value."""

    class Status(models.TextChoices):
        """The status of a deal."""

        CREATED = "created"
        ACTIVE = "active"
        DELETED = "deleted"

    deal_uuid = models.UUIDField()
    product_line_id = models.SmallIntegerField()
    companies = models.JSONField(help_text="A list of {company_uuid, role}, in the deal's own order.")
    rating_tier = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null is not the empty tier
    status = models.CharField(max_length=10, choices=Status.choices)

    class Meta:
        constraints: ClassVar = [_key("directory_deal_key", "deal_uuid")]

    def __str__(self) -> str:
        return f"deal {self.deal_uuid}"


class DealCompany(ReadModelRow):
    """A company of a deal, as a row to look deals up by company."""

    deal_uuid = models.UUIDField()
    company_uuid = models.UUIDField()
    role = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [_key("directory_deal_company_key", "deal_uuid", "company_uuid", "role")]
        indexes: ClassVar = [
            models.Index(fields=["generation", "company_uuid", "deal_uuid"], name="directory_deals_of_company"),
        ]
        verbose_name_plural = "deal companies"

    def __str__(self) -> str:
        return f"{self.company_uuid} as {self.role}"


class Balance(ReadModelRow):
    """The balance of a company, an asset or a funding account; no currency until the first money arrives."""

    class Entity(models.TextChoices):
        """The kind of entity that has the balance."""

        COMPANY = "company"
        ASSET = "asset"
        ACCOUNT = "account"

    entity = models.CharField(max_length=10, choices=Entity.choices)
    uuid = models.UUIDField()
    balance = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    minor_digits = models.SmallIntegerField(default=0)
    status = models.CharField(max_length=10, blank=True, default="", help_text="Accounts: pending, active or closed.")
    company_uuid = models.UUIDField(null=True, blank=True, help_text="The company whose account it is.")
    label = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [_key("balance_key", "entity", "uuid")]
        indexes: ClassVar = [
            models.Index(
                fields=["generation", "company_uuid", "uuid"],
                name="balance_accounts_of_company",
                condition=models.Q(company_uuid__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.uuid}"


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
        constraints: ClassVar = [_key("financial_product_key", "product_uuid")]
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
        constraints: ClassVar = [_key("journal_line_key", "position", "line")]
        indexes: ClassVar = [
            models.Index(fields=["generation", "account", "position", "line"], name="journal_line_by_account"),
            models.Index(fields=["generation", "party_uuid", "position", "line"], name="journal_line_by_party"),
        ]

    def __str__(self) -> str:
        return f"{self.position}.{self.line} {self.account}"


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
        constraints: ClassVar = [_key("aging_bucket_key", "business_date", "currency", "bucket")]

    def __str__(self) -> str:
        return f"{self.business_date} {self.currency} {self.bucket}"


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
            _key("daily_activity_key", "business_date", "currency"),
            models.UniqueConstraint(
                fields=["generation", "currency"],
                name="daily_activity_undated_key",
                condition=models.Q(business_date__isnull=True),
            ),
        ]
        verbose_name_plural = "daily activity"

    def __str__(self) -> str:
        return f"{self.business_date} {self.currency}"
