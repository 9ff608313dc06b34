"""The admin's pages of sums, aging, activity and customers."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Case, When
from django.db.models.expressions import Combinable
from django.utils.safestring import SafeString

from eventstore.browser.events import event_link
from eventstore.browser.read_only import exact
from projectors.browser.read_model_admin import ReadModelAdmin
from projectors.models import (
    AccountSum,
    AgingBucket,
    CustomerSum,
    DailyActivity,
    LateAccountSum,
    LateActivity,
    LateAging,
    LateOwing,
    LateRecordedFee,
    OwedProduct,
)

_ON_DATE = exact("business_date", "Business date", hint="YYYY-MM-DD")
_IN_CURRENCY = exact("currency", "Currency", hint="USD")


@admin.register(AccountSum)
class AccountSumAdmin(ReadModelAdmin):
    """The sums of the journal's accounts: those of all lines first, then the copies, newest first."""

    order = ("-through", "account", "currency")
    listed = ("sums_through", "account", "debit", "credit", "changed_by")
    list_display_links = None
    moneys = ("debit", "credit")
    replaced: ClassVar = {"through": "sums_through"}
    list_filter = (exact("account", "Account", hint="company_balances"), _IN_CURRENCY)

    @admin.display(description="through event")
    def sums_through(self, row: AccountSum) -> SafeString | str:
        """Return a link to the last event whose lines are added up, or that all are."""
        return "all" if row.through == AccountSum.THROUGH_ALL else event_link(row.through)


@admin.register(LateAccountSum)
class LateAccountSumAdmin(ReadModelAdmin):
    """The sums of lines that count for a date before the one on which they were booked, newest first."""

    order = ("-business_date", "-booking_date", "account", "currency")
    listed = ("business_date", "booking_date", "account", "debit", "credit", "changed_by")
    list_display_links = None
    moneys = ("debit", "credit")
    list_filter = (_ON_DATE, exact("booking_date", "Booking date", hint="YYYY-MM-DD"))


@admin.register(AgingBucket)
class AgingBucketAdmin(ReadModelAdmin):
    """What was owed at the beginning of each business date, newest first."""

    order = ("-business_date", "currency", Case(When(bucket=AgingBucket.Bucket.CURRENT, then=0), default=1), "bucket")
    listed = ("business_date", "currency", "days_past_due", "principal", "fees", "products", "changed_by")
    list_display_links = None
    moneys = ("principal", "fees")
    replaced: ClassVar = {"bucket": "days_past_due"}
    list_filter = (
        _ON_DATE,
        _IN_CURRENCY,
        exact("bucket", "Days past due", offered=lambda: AgingBucket.Bucket.values),
    )

    @admin.display(description="days past due")
    def days_past_due(self, row: AgingBucket) -> str:
        """Return the bucket as the table names it."""
        return row.bucket


@admin.register(DailyActivity)
class DailyActivityAdmin(ReadModelAdmin):
    """What happened on each business date, newest first."""

    order: ClassVar[tuple[str | Combinable, ...]] = ("-business_date", "-currency")
    listed: ClassVar[tuple[str, ...]] = (
        "date",
        "currency",
        "paid_in",
        "paid_out",
        "granted",
        "fees_assessed",
        "fees_waived",
        "events_by_type",
        "changed_by",
    )
    list_display_links = None
    moneys = ("paid_in", "paid_out", "granted", "fees_assessed", "fees_waived")
    replaced: ClassVar = {"events": "events_by_type", "business_date": "date"}
    list_filter = (_ON_DATE, _IN_CURRENCY)

    @admin.display(description="business date")
    def date(self, row: DailyActivity) -> str:
        """Return the date, or that it was before the first cycle."""
        return str(row.business_date or "before the first cycle")

    @admin.display(description="events")
    def events_by_type(self, row: DailyActivity) -> str:
        """Return how many events of each type there were, the most frequent first."""
        counted = sorted(row.events.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{name} {count}" for name, count in counted)


@admin.register(LateActivity)
class LateActivityAdmin(DailyActivityAdmin):
    """What was recorded after a business date had ended, newest date first."""

    order = ("-business_date", "-currency", "-booking_date")
    listed = ("date", "booking_date", "currency", "fees_assessed", "events_by_type", "changed_by")


@admin.register(OwedProduct)
class OwedProductAdmin(ReadModelAdmin):
    """What each product owes, and who owes it."""

    order = ("product_uuid",)
    listed = ("product_uuid", "company_uuid", "due_date", "principal", "fees", "changed_by")
    list_display_links = None
    moneys = ("principal", "fees", "owed", "given_up")
    streams: ClassVar = {"product_uuid": "product", "company_uuid": "company"}
    sought = ("product_uuid",)
    search_fields = sought
    search_help_text = "The uuid of a product, in full."


@admin.register(CustomerSum)
class CustomerSumAdmin(ReadModelAdmin):
    """What each customer owes, by currency."""

    order = ("company_uuid", "currency")
    listed = ("company_uuid", "products", "owed", "overdue", "fees", "fees_paid", "changed_by")
    list_display_links = None
    moneys = ("principal", "fees", "owed", "overdue", "fees_incurred", "fees_paid", "fees_waived")
    streams: ClassVar = {"company_uuid": "company"}
    list_filter = (_IN_CURRENCY,)
    sought = ("company_uuid",)
    search_fields = sought
    search_help_text = "The uuid of a company, in full."


@admin.register(LateRecordedFee)
class LateRecordedFeeAdmin(ReadModelAdmin):
    """The late fees that were booked after the date that they count for, newest first."""

    order = ("-position",)
    listed = ("changed_by", "product_uuid", "company_uuid", "business_date", "booking_date", "amount")
    list_display_links = None
    moneys = ("amount",)
    streams: ClassVar = {"product_uuid": "product", "company_uuid": "company"}


@admin.register(LateOwing)
class LateOwingAdmin(ReadModelAdmin):
    """The periods in which products owe only late recorded fees, newest first."""

    order = ("-position",)
    listed = ("changed_by", "product_uuid", "company_uuid", "due_date", "after_date", "until_date")
    list_display_links = None
    streams: ClassVar = {"product_uuid": "product", "company_uuid": "company"}


@admin.register(LateAging)
class LateAgingAdmin(ReadModelAdmin):
    """What late recorded fees add to the aging of past dates."""

    order = ("-after_date", "-until_date", "due_date")
    listed = ("after_date", "until_date", "due_date", "fees", "products", "changed_by")
    list_display_links = None
    moneys = ("fees",)
