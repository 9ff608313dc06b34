"""Lists paged by key: a page ends where the next begins, whatever is written meanwhile."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import Field, WithJsonSchema

from projectors.queries.live import position_of
from web.api.items import Item
from web.protocol import response_headers
from web.protocol.json_values import answer, plain
from web.protocol.problems import Fault, Problem, invalid
from web.protocol.query_parameters import GREATEST, Asked, Limit
from web.protocol.read_your_writes import reached

M = TypeVar("M", bound=Model)
_TAG: Final = 12

After = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 500})]


class Paging(Asked):
    """Which part of a list."""

    limit: Limit = Field(100, description="How many at most.")
    after: After | None = Field(None, description="Where to go on, as the `next` link of a page with the same filters.")

    def filters(self) -> dict[str, Any]:
        """Return what narrows the list, as it was given."""
        given = self.model_dump(exclude={"limit", "after"}, exclude_none=True, by_alias=True)
        return {name: plain(value) for name, value in given.items()}


def page(request: HttpRequest, item: Item[M], rows: QuerySet[M], paging: Paging, key: Sequence[str]) -> HttpResponse:
    """Answer a page of rows in the order of their key, with a link to the next where there is more."""
    # Read before the rows, which therefore are at least as new.
    reached(request, lambda: position_of(rows.model))
    wanted = rows.order_by(*key)
    if paging.after is not None:
        fields = [rows.model._meta.get_field(name) for name in key]  # noqa: SLF001 - Django's own name
        try:
            last = [
                field.to_python(value)  # type: ignore[union-attr] # each is a column
                for field, value in zip(fields, _last(request, paging, len(key)), strict=True)
            ]
        except (ValidationError, TypeError, ValueError, OverflowError) as error:
            raise _foreign() from error
        wanted = wanted.filter(_beyond(key, last))
    return sliced(request, item, wanted[: paging.limit + 1], paging, key)


def whole(
    request: HttpRequest, item: Item[Any], rows: Iterable[Any], paging: Paging, key: Mapping[str, Sequence[str] | None]
) -> HttpResponse:
    """Answer a page of rows that are few and all there; a key is ordered as its values are listed, or as they are."""

    def place(values: Iterable[Any]) -> list[Any]:
        return [
            value if order is None else order.index(value) for value, order in zip(values, key.values(), strict=True)
        ]

    found = sorted(((place(getattr(row, name) for name in key), row) for row in rows), key=lambda pair: pair[0])
    if paging.after is not None:
        try:
            last = place(_last(request, paging, len(key)))
            found = [pair for pair in found if pair[0] > last]
        except (TypeError, ValueError) as error:
            raise _foreign() from error
    return sliced(request, item, [row for _, row in found[: paging.limit + 1]], paging, tuple(key))


def sliced(request: HttpRequest, item: Item[M], found: Iterable[M], paging: Paging, key: Sequence[str]) -> HttpResponse:
    """Answer the first of what was found, which is one more than a page holds where another follows."""
    rows = list(found)
    shown, further = rows[: paging.limit], None
    # A row is written together with how far its read model has come, and was read with all that was written by then.
    response_headers.reflects_also(request, max((getattr(row, "position", 0) for row in shown), default=0))
    if len(rows) > paging.limit:
        last = _encoded([_tag(request, paging), *(plain(getattr(shown[-1], name)) for name in key)])
        further = f"{request.path}?{urlencode({**paging.filters(), 'limit': paging.limit, 'after': last})}"
    return answer({"items": [item.show(row) for row in shown], "next": further})


def _beyond(key: Sequence[str], last: Sequence[Any]) -> Q:
    """Return (a, b) > (x, y), written so that both databases begin at the first of them in the index of the key."""
    first, *others = key
    if not others:
        return Q(**{f"{first}__gt": last[0]})
    return Q(**{f"{first}__gte": last[0]}) & (Q(**{f"{first}__gt": last[0]}) | _beyond(others, last[1:]))


def _tag(request: HttpRequest, paging: Paging) -> str:
    """Return what only the pages of one list with the same filters have in common."""
    asked = json.dumps([request.path, paging.filters()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:_TAG]


def _encoded(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _last(request: HttpRequest, paging: Paging, length: int) -> list[Any]:
    """Return the key of the last row of the page before; raises Problem where `after` is not of this list."""
    text = paging.after or ""
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _foreign() from error
    simple = isinstance(values, list) and all(_may_be_of_a_key(value) for value in values)
    if not simple or _encoded(values) != text or len(values) != length + 1 or values[0] != _tag(request, paging):
        raise _foreign()
    rest: list[Any] = values[1:]
    return rest


def _may_be_of_a_key(value: object) -> bool:
    match value:
        case str():
            return value.isprintable()  # which neither a null byte nor a lone surrogate is
        case bool():
            return False
        case int():
            return 0 <= value <= GREATEST
        case _:
            return False


def _foreign() -> Problem:
    return invalid(Fault("/after", "it is not what a next link of this list, with these filters, had"))
