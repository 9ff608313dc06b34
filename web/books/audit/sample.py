"""The page of a sample that everybody can draw again."""

import dataclasses
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect

from projectors.audit.sample import FEW, KINDS, MOST_DRAWS, sample
from projectors.audit.sampled import ROW_OF, sampled_rows
from projectors.queries.live import position
from web.books import csv_export
from web.books.frame import Frame, Refused, page, shown, takes
from web.books.parameters import whole_number

_NUMBER: Final = 25
_MOST: Final = 1000
_SHOWN: Final = 100
"""How many rows the page shows; the file has all."""
_LONGEST_SEED: Final = 100


@page
@takes("kind", "seed", "n", "format")
def draw(request: HttpRequest, frame: Frame) -> HttpResponseBase:
    """Show a sample of events, products or journal lines, or ask for its seed."""
    kind, seed, number = _kind(request), _seed(request), _number(request)
    given: dict[str, Any] = {"kind": kind, "seed": seed, "n": number}
    limits: dict[str, Any] = {"few": FEW, "most_draws": MOST_DRAWS, "most": _MOST, "kinds": KINDS}
    if not seed or not frame.cut.position:
        return shown(request, "sample.html", frame, "log", **given, **limits, drawn=None)
    if frame.cut.until is None and frame.permanent != dict(frame.asked):
        # The address names the position, so that it shows the same sample for ever.
        wanted = {"format": "csv"} if csv_export.is_wanted(request) else {}
        return HttpResponseRedirect(frame.at_permanent(request.path, **given, **wanted))
    if frame.cut.until is not None:
        raise Refused("A sample is drawn of what was recorded up to a position: name a position, or add known=then.")
    if kind == "lines" and position("journal") < frame.cut.position:
        raise Refused(f"The journal is at position {position('journal')} and has not reached {frame.cut.position} yet.")
    drawn = sample(kind, seed, number, frame.cut.position)
    if csv_export.is_wanted(request):
        header = [field.name for field in dataclasses.fields(ROW_OF[kind])]
        cells = ([getattr(row, name) for name in header] for row in sampled_rows(drawn))
        return csv_export.export(frame, f"sample-of-{number}-{kind}-seed-{seed}", header, cells)
    rows = list(sampled_rows(drawn, _SHOWN))
    return shown(request, "sample.html", frame, "log", **given, **limits, drawn=drawn, rows=rows, shown_most=_SHOWN)


def _kind(request: HttpRequest) -> str:
    kind = request.GET.get("kind", "").strip() or "products"
    if kind not in KINDS:
        raise Refused(f"kind={kind} is not possible: it must be {', '.join(KINDS)}.")
    return kind


def _seed(request: HttpRequest) -> str:
    seed = request.GET.get("seed", "").strip()
    if len(seed) > _LONGEST_SEED or not seed.isprintable():
        raise Refused(f"The seed is not possible: it has at most {_LONGEST_SEED} printable characters.")
    return seed


def _number(request: HttpRequest) -> int:
    number = whole_number(request.GET, "n", default=_NUMBER)
    if not 1 <= number <= _MOST:
        raise Refused(f"n={number} is not possible: it must be from 1 to {_MOST}.")
    return number
