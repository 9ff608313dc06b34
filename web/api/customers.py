"""GET of the sums of customers: what each owes, now, at a position, or on a date as known then or now."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from projectors.queries import customers
from projectors.queries.customer_sums import CustomerFigures, Moment, Which, moment
from projectors.queries.known import Known
from web.api.fee_headers import FEE_HEADERS, set_fee_headers
from web.api.items import Item, same
from web.api.paging import Paging, fetched_page
from web.api.past_dates import KNOWN, position_and_date
from web.protocol.query_parameters import AsOf, Uuid
from web.protocol.query_router import QueryRouter

router = QueryRouter("read models")

_ALL: Final = Moment(2**63 - 1)
_SUMS: Final = (
    "principal",
    "fees",
    "owed",
    "overdue",
    "fees_incurred",
    "fees_paid",
    "fees_waived",
)
_CUSTOMER: Final = Item(
    customers.all_sums(),
    same("company_uuid", "currency", "products", "overdue_products", *_SUMS, "position"),
    amounts=_SUMS,
    name="Customer",
    doc="A customer in one currency: what it owes, what of it was due before the date, and its late fees.",
)


class CustomerParameters(Paging):
    """The parameters of the sums of customers."""

    company_uuid: Uuid | None = Field(None, description="Only this customer.")
    as_of: AsOf | None = None
    known: Known = KNOWN


@router.query(
    "/customers",
    _CUSTOMER.page,
    "list-customers",
    "The sums of customers by currency, now or as of a position or date",
    extra=FEE_HEADERS,
)
def list_customers(request: HttpRequest, parameters: Query[CustomerParameters]) -> HttpResponse:
    """Answer a page of customers with their sums, now, through a position, or for a business date as it ended."""
    up_to, business_date = position_and_date(request, parameters.as_of, parameters.known, "customers")
    set_fee_headers(request, business_date, up_to)
    at = _ALL if up_to is None else moment(up_to, business_date)

    def fetch(last: list[Any] | None, limit: int) -> list[CustomerFigures]:
        after = None if last is None else (last[0], last[1])
        return customers.first_customers(at, Which(parameters.company_uuid, after=after), limit)

    return fetched_page(request, _CUSTOMER, customers.all_sums().model, fetch, parameters, ["company_uuid", "currency"])
