"""What all pages of Books share: who may see them, which moment they show, and what a refusal looks like."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial, wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from eventstore import store
from ledger.fee_lag import FeeCompleteness, fee_completeness
from ledger.names import VIEW
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.dates import PositionBeyondHead
from projectors.catalog import PROJECTORS
from projectors.explain.figures import Cut
from projectors.explain.moment import ImpossibleMoment, moment, parsed
from projectors.queries.live import behind
from web.protocol.problems import Problem
from web.slots import Held, Slot, SlotKind, need_slot

_MOMENT: Final = frozenset({"as_of", "known"})
_LONGEST_NAME: Final = 50
_PAGE_S: Final = 5
"""How long a page of the past may take; a person who is refused a slot reads this."""
FILE_S: Final = 600
"""How long a file may take, also if its reader is slow."""
SECTIONS: Final = (
    ("today", "Today"),
    ("invoices", "Invoices"),
    ("customers", "Customers"),
    ("aging", "Aging"),
    ("trial-balance", "Trial balance"),
    ("journal", "Journal"),
    ("log", "Log"),
    ("consumers", "Consumers"),
)
"""The navigation: the name of each address and what it is called."""
REPORTS: Final = frozenset({"today", "invoices", "customers", "aging", "trial-balance", "journal"})
"""The sections whose figures include late fees."""


class Refused(Exception):
    """A page cannot be shown as it was asked for; `status` is that of the answer."""

    def __init__(self, reason: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.status, self.headers = reason, status, headers or {}


class NotFound(Refused):
    """What the address names does not exist."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, 404)


@dataclass(frozen=True, slots=True)
class Frame:
    """The moment that a page shows. See Note [Two dates].

    `asked` holds the parameters of the address that name it, empty for a page of the present. `lagging` has the
    projectors that were behind the position before anything was read, and where they were.
    """

    cut: Cut
    head: int
    business_date: date | None
    known: str = "now"
    asked: Mapping[str, str] = field(default_factory=dict)
    has_fees_of_date: bool = True
    lagging: Mapping[str, int] = field(default_factory=dict)

    @property
    def fees(self) -> FeeCompleteness:
        """Whether the late fees in the page's figures are complete."""
        on = self.business_date
        last_date = on if on is None or self.has_fees_of_date else on - timedelta(days=1)
        return fee_completeness(last_date, self.cut.position)

    def lagging_of(self, projectors: Collection[str]) -> dict[str, int]:
        """Return which of these projectors are behind, and where they are."""
        return {name: self.lagging[name] for name in projectors if name in self.lagging}

    @property
    def as_date_began(self) -> "Frame":
        """The frame of a report of the beginning of the date, which has no fees of the date itself."""
        return replace(self, has_fees_of_date=False)

    @property
    def is_now(self) -> bool:
        """Whether the page shows all that is recorded."""
        return not self.asked

    def address(self, path: str, **more: str | int) -> str:
        """Return an address that shows the same moment."""
        parameters = {**self.asked, **{name: str(value) for name, value in more.items()}}
        return f"{path}?{urlencode(parameters)}" if parameters else path

    def at_permanent(self, path: str, **more: str) -> str:
        """Return an address that shows the same figures for ever."""
        return f"{path}?{urlencode({**more, **self.permanent})}"

    @property
    def known_position(self) -> str | None:
        """The position in the permanent address of a date; None if the address names no date."""
        return self.permanent.get("known")

    @property
    def present(self) -> "Frame":
        """The frame of all that is recorded, for a list that only shows the present."""
        return replace(self, cut=Cut(self.head), known="now", asked={})

    @property
    def permanent(self) -> dict[str, str]:
        """The parameters that show the same figures for ever."""
        if self.cut.until is not None:
            return {"as_of": self.cut.until.isoformat(), "known": str(self.cut.position)}
        return {"as_of": str(self.cut.position)}


def framed(parameters: Mapping[str, str]) -> Frame:
    """Return the moment that an address names; raises Refused and the refusals of dates."""
    head = store.durable_head()
    as_of, known = parameters.get("as_of", "").strip(), parameters.get("known", "").strip() or "now"
    try:
        shown = moment(parsed(as_of), known, head)
    except ImpossibleMoment as impossible:
        raise Refused(str(impossible)) from impossible
    except PositionBeyondHead as beyond:
        raise Refused(f"There is no event at {beyond.position}; the head is {head}.") from beyond
    asked = {name: value for name, value in (("as_of", as_of), ("known", known)) if value and value != "now"}
    if shown.cut.until is None and shown.known == "now":
        asked.pop("known", None)
    lagging = behind(shown.cut.position, [projector.name for projector in PROJECTORS])
    return Frame(shown.cut, head, shown.business_date, shown.known, asked, lagging=lagging)


def heavy(request: HttpRequest, seconds: float) -> Slot:
    """Take a slot for work that takes long; raises Refused. See Note [Long requests hold slots]."""
    request.auth = request.user  # type: ignore[attr-defined] # whose slot it is
    try:
        return need_slot(request, seconds, SlotKind.FOLDING)
    except Problem as problem:
        raise Refused(problem.text, problem.status, problem.headers) from problem


View = Callable[..., TemplateResponse | HttpResponseBase]


def takes(*names: str) -> Callable[[View], View]:
    """Let a page take parameters of its own besides those of the moment; a page refuses all others."""

    def with_names(view: View) -> View:
        _NAMES[view] = _MOMENT.union(names)
        return view

    return with_names


_NAMES: Final[dict[View, frozenset[str]]] = {}
"""The parameters of each page that has some of its own."""


def check_parameters(given: QueryDict, names: Collection[str] | None = None) -> None:
    """Raise Refused unless each parameter is given once, and is one of these names if there are any."""
    for name, values in given.lists():
        shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
        if names is not None and name not in names:
            raise Refused(f"This page has no parameter {shown}: it has {', '.join(sorted(names))}.")
        if len(values) > 1:
            raise Refused(f"{shown} is given {len(values)} times: give it once.")


def page(view: View) -> Callable[..., HttpResponseBase]:
    """Make a page of a view: it is given the frame, and asks for a person who may view the ledger.

    A page of the past folds much, and holds a slot until it is rendered; a file holds one until it is sent.
    """
    with_slot = wraps(view)(partial(_with_slot, view))
    _NAMES[with_slot] = _NAMES.get(view, _MOMENT)
    return page_with_slots_of_its_own(with_slot)


def page_with_slots_of_its_own(view: View) -> Callable[..., HttpResponseBase]:
    """Make the same of a view that itself takes a slot when it begins what takes long."""
    names = _NAMES.get(view, _MOMENT)

    @wraps(view)
    def shown(request: HttpRequest, **named: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("books:login"))
        if not request.user.has_perm(VIEW):
            return refusal(request, "You may not read this ledger.", f"It asks for the permission {VIEW}.", 403)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            check_parameters(request.GET, names)
            return view(request, framed(request.GET.dict()), **named)
        except Refused as refused:
            return refusal(request, refused.reason, "", refused.status, refused.headers)
        except Refusal as refused:
            return refusal(request, str(refused), refused.remedy, 400)

    return shown


def _with_slot(view: View, request: HttpRequest, frame: Frame, **named: Any) -> HttpResponseBase:
    # See Note [Long requests hold slots]
    is_file = "format" in request.GET
    if frame.is_now and not is_file:
        return view(request, frame, **named)
    slot = heavy(request, FILE_S if is_file else _PAGE_S)
    with ExitStack() as kept:
        kept.callback(slot.give_back)
        response = view(request, frame, **named)
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = Held(iter(response), slot)
            kept.pop_all()
        return response.render() if isinstance(response, TemplateResponse) else response


def shown(
    request: HttpRequest, template: str, frame: Frame, section: str, *, reads: Collection[str] = (), **context: Any
) -> TemplateResponse:
    """Return a page: the template with what the frame says, in a section of the navigation.

    `reads` are the projectors whose tables the page shows; the page says which of them are behind its position.
    """
    context["lagging"] = frame.lagging_of(reads)
    context["fees"] = frame.fees if section in REPORTS else None
    context |= {"frame": frame, "section": section, "sections": SECTIONS}
    return TemplateResponse(request, f"books/{template}", context)


def refusal(
    request: HttpRequest, reason: str, remedy: str, status: int, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the page that says what was wrong and what to do."""
    context = {"reason": reason, "remedy": remedy, "section": "", "sections": SECTIONS, "frame": None}
    return TemplateResponse(request, "books/refused.html", context, status=status, headers=dict(headers or {}))
