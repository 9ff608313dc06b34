"""The ZIP of evidence of a product, a customer or a period."""

from collections.abc import Iterable
from itertools import chain

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect

from projectors.explain.answers.subject import Subject, explain
from projectors.explain.answers.text import moment_text, title_of
from projectors.explain.moment import Moment
from projectors.explain.product import ProductExplanation
from projectors.queries.live import position
from web.books.audit import contents
from web.books.audit.zip_stream import File, zipped
from web.books.csv_export import file_name
from web.books.frame import FILE_S, Frame, NotFound, Refused, heavy, page_with_slots_of_its_own, shown, takes
from web.books.parameters import period_of, uuid_of
from web.slots import Held, Slot


@page_with_slots_of_its_own
@takes("product", "customer", "from", "to")
def evidence(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Send the evidence of a product, a customer or a period, or ask which."""
    asked = [name for name in ("product", "customer", "from", "to") if request.GET.get(name, "").strip()]
    if not asked:
        return shown(request, "evidence.html", frame, "log")
    if len(asked) > 1 and asked != ["from", "to"]:
        raise Refused("Evidence is of one thing: name a product, a customer, or a period by from and to.")
    if frame.permanent != dict(frame.asked):
        # The address names the position, so that it gives the same bytes for ever.
        others = {name: value for name, value in request.GET.dict().items() if name not in {"as_of", "known"}}
        return HttpResponseRedirect(frame.at_permanent(request.path, **others))
    if not frame.cut.position:
        raise NotFound("The ledger is empty: there is no evidence.")
    reached = position("journal", "financial_products")
    if reached < frame.cut.position:
        raise Refused(f"The read models are at position {reached} and have not reached {frame.cut.position} yet.", 503)
    at = Moment(frame.cut, frame.business_date, frame.known)
    what, files = _files(request, at)
    slot = heavy(request, FILE_S)
    return _response(request, frame, at, what, files, slot)


def _files(request: HttpRequest, at: Moment) -> tuple[str, Iterable[File]]:
    product, customer = uuid_of(request, "product"), uuid_of(request, "customer")
    if product is not None:
        explained = explain(Subject("product", product), at.cut)
        if not isinstance(explained, ProductExplanation):
            raise NotFound(f"There is no product {product} as of position {at.cut.position}.")
        return title_of(explained), contents.of_product(explained, at)
    if customer is not None:
        company = explain(Subject("company", customer), at.cut)
        if company is None:
            raise NotFound(f"There is no company {customer} as of position {at.cut.position}.")
        return title_of(company), contents.of_customer(company, at)
    first, last = period_of(request)
    if first is None or last is None:
        raise Refused("A period has two ends: name both from and to.")
    if at.cut.until is not None and last > at.cut.until:
        raise Refused(f"to={last} is after the date of the moment, {at.cut.until}.")
    of = contents.period(first, last, at.cut.position)
    return f"Period from {first} to {last}", contents.of_period(of, at)


def _response(  # noqa: PLR0913, PLR0917 - each is a word about the file
    request: HttpRequest, frame: Frame, at: Moment, what: str, files: Iterable[File], slot: Slot
) -> StreamingHttpResponse:
    address = request.get_full_path()
    moment = moment_text(at)
    about = {"what": what, "moment": moment, "address": address, **frame.permanent}
    whole = chain([contents.readme(what, moment, address)], files)
    response = StreamingHttpResponse(Held(zipped(whole, about), slot), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{file_name(frame, f"evidence-{what}", "zip")}"'
    return response
