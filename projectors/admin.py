"""The admin's pages of the read models."""

import uuid
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString

from eventstore.browser.events import event_link
from eventstore.browser.read_only import exact
from ledger.rules.texts import identity
from projectors.browser import report_pages  # noqa: F401 - registers its pages
from projectors.browser.columns import companies_html, entity_link
from projectors.browser.filters import NotZeroFilter
from projectors.browser.read_model_admin import ReadModelAdmin
from projectors.models import (
    Balance,
    Company,
    Deal,
    DealCompany,
    FinancialProduct,
    JournalLine,
)
from projectors.queries.live import live

PRODUCT_LINES = {1: "receivables purchase", 2: "payables finance", 3: "inventory finance", 4: "membership"}


@admin.register(Company)
class CompanyAdmin(ReadModelAdmin):
    """The directory's companies."""

    order = ("company_uuid",)
    listed = ("name", "company_uuid", "currency", "changed_by")
    streams: ClassVar = {"company_uuid": "company"}
    sought = ("company_uuid",)
    search_fields = sought
    search_help_text = "A uuid in full, or how the name begins."

    def found_by_text(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return the companies whose name begins with the term."""
        return queryset.filter(name__startswith=term)


@admin.register(Deal)
class DealAdmin(ReadModelAdmin):
    """The directory's deals."""

    order = ("deal_uuid",)
    listed = ("deal_uuid", "product_line", "status", "rating_tier", "roles", "changed_by")
    streams: ClassVar = {"deal_uuid": "deal"}
    replaced: ClassVar = {"companies": "roles", "product_line_id": "product_line"}
    list_filter = (exact("status", "Status", offered=lambda: Deal.Status.values),)
    search_fields = ("deal_uuid",)
    search_help_text = "The uuid of a deal or of one of its companies, in full."

    @admin.display(description="product line")
    def product_line(self, row: Deal) -> str:
        """Return the product line by number and name."""
        return f"{row.product_line_id} {PRODUCT_LINES.get(row.product_line_id, '')}".rstrip()

    @admin.display(description="companies")
    def roles(self, row: Deal) -> SafeString:
        """Return each company with its role."""
        return companies_html(row.companies, in_short=True)

    def conditions(self, entity: uuid.UUID) -> list[Q]:
        """Return the deal itself, and the deals in which a company plays a role."""
        deals = live(DealCompany).filter(company_uuid=entity).values("deal_uuid")
        return [Q(deal_uuid=entity), Q(deal_uuid__in=deals)]


@admin.register(Balance)
class BalanceAdmin(ReadModelAdmin):
    """Balances of companies, assets and funding accounts."""

    order = ("entity", "uuid")
    listed = ("entity", "entity_uuid", "label", "balance", "status", "company_uuid", "changed_by")
    moneys = ("balance",)
    streams: ClassVar = {"company_uuid": "company"}
    replaced: ClassVar = {"uuid": "entity_uuid"}
    list_filter = (exact("entity", "Whose", offered=lambda: Balance.Entity.values), NotZeroFilter)
    search_fields = ("uuid",)
    search_help_text = "The uuid of a company, an asset or an account, in full; a company's finds its accounts too."

    @admin.display(description="uuid")
    def entity_uuid(self, row: Balance) -> SafeString:
        """Return a link to the events of the entity."""
        return entity_link(row.entity, row.uuid)

    def conditions(self, entity: uuid.UUID) -> list[Q]:
        """Return the entity's own balance, and those of the accounts that a company has."""
        return [Q(entity__in=Balance.Entity.values, uuid=entity), Q(company_uuid=entity)]


@admin.register(FinancialProduct)
class FinancialProductAdmin(ReadModelAdmin):
    """Products, with what is owed, paid, charged and forgiven."""

    order = ("product_uuid",)
    listed = (
        "reference",
        "product_uuid",
        "status",
        "due_date",
        "principal_outstanding",
        "fees_outstanding",
        "fees_incurred",
        "changed_by",
    )
    moneys = (
        "principal",
        "principal_outstanding",
        "principal_paid",
        "fees_incurred",
        "fees_paid",
        "fees_waived",
        "fees_outstanding",
    )
    streams: ClassVar = {
        "product_uuid": "product",
        "deal_uuid": "deal",
        "asset_uuid": "asset",
        "obligor_company_uuid": "company",
    }
    replaced: ClassVar = {
        "companies": "roles",
        "originated_position": "originated_by",
        "principal_zero_position": "principal_zero_by",
        "owing_again_position": "owing_again_by",
    }
    list_filter = (
        exact("status", "Status", offered=lambda: FinancialProduct.Status.values),
        exact("due_date", "Due on", hint="YYYY-MM-DD"),
    )
    hidden = frozenset({"reference_identity"})
    sought = ("product_uuid", "deal_uuid", "asset_uuid", "obligor_company_uuid")
    search_fields = sought
    search_help_text = "A reference, or the uuid of a product, its deal, its asset or its obligor; each in full."

    def found_by_text(self, queryset: QuerySet[FinancialProduct], term: str) -> QuerySet[FinancialProduct]:
        """Return the products with a reference."""
        return queryset.filter(reference_identity=identity(term))

    @admin.display(description="companies")
    def roles(self, row: FinancialProduct) -> SafeString:
        """Return each company with its role, as the deal had them."""
        return companies_html(row.companies)

    @admin.display(description="originated by event")
    def originated_by(self, row: FinancialProduct) -> SafeString | str:
        """Return a link to the event that originated the product."""
        return event_link(row.originated_position)

    @admin.display(description="principal reached zero by event")
    def principal_zero_by(self, row: FinancialProduct) -> SafeString | str:
        """Return a link to the last event that paid or wrote off the whole principal."""
        return event_link(row.principal_zero_position)

    @admin.display(description="made to owe again by event")
    def owing_again_by(self, row: FinancialProduct) -> SafeString | str:
        """Return a link to the last reversal that made principal outstanding again."""
        return event_link(row.owing_again_position)


@admin.register(JournalLine)
class JournalLineAdmin(ReadModelAdmin):
    """The double-entry journal, newest first."""

    order = ("-position", "-line")
    listed = (
        "changed_by",
        "line",
        "event_type",
        "business_date",
        "booking_date",
        "account",
        "party",
        "debit",
        "credit",
        "reference",
    )
    list_display_links = None
    moneys = ("debit", "credit")
    hide_zero = True
    replaced: ClassVar = {"party_uuid": "party"}
    list_filter = (
        exact("account", "Account", hint="company_balances"),
        exact("position", "Event", hint="a position"),
        exact("position__lte", "Up to position", hint="a position"),
    )
    sought = ("party_uuid",)
    search_fields = sought
    search_help_text = "The uuid of a party, in full."

    @admin.display(description="event")
    def changed_by(self, row: Any) -> SafeString | str:
        """Return a link to the line's event."""
        return event_link(row.position)

    @admin.display(description="party")
    def party(self, row: JournalLine) -> SafeString:
        """Return a link to the events of the party."""
        return entity_link(row.party_type, row.party_uuid, in_short=True)
