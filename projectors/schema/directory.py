"""The directory: companies, deals, and the companies of deals."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key


class Company(ReadModelRow):
    """A company in the directory; its currency is empty until the first money arrives."""

    company_uuid = models.UUIDField()
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3, blank=True, default="")

    class Meta:
        constraints: ClassVar = [key("directory_company_key", "company_uuid")]
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
        constraints: ClassVar = [key("directory_deal_key", "deal_uuid")]

    def __str__(self) -> str:
        return f"deal {self.deal_uuid}"


class DealCompany(ReadModelRow):
    """A company of a deal, as a row to look deals up by company."""

    deal_uuid = models.UUIDField()
    company_uuid = models.UUIDField()
    role = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [key("directory_deal_company_key", "deal_uuid", "company_uuid", "role")]
        indexes: ClassVar = [
            models.Index(fields=["generation", "company_uuid", "deal_uuid"], name="directory_deals_of_company"),
        ]
        verbose_name_plural = "deal companies"

    def __str__(self) -> str:
        return f"{self.company_uuid} as {self.role}"
