"""Balances of companies, assets and funding accounts."""

from typing import ClassVar

from django.db import models

from eventstore.read_models.rows import ReadModelRow, key


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
        constraints: ClassVar = [key("balance_key", "entity", "uuid")]
        indexes: ClassVar = [
            models.Index(
                fields=["generation", "company_uuid", "uuid"],
                name="balance_accounts_of_company",
                condition=models.Q(company_uuid__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.uuid}"
