"""Lists paged by key: each page begins after the key of the last row of the page before."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import Field, WithJsonSchema

from eventstore.json_values import to_json
from projectors.queries.live import position_of
from web.api.items import Item
from web.protocol import response_headers
from web.protocol.json_values import json_response
from web.protocol.problems import Fault, Problem, invalid
from web.protocol.query_parameters import MAX_INT, Limit, QueryParameters
from web.protocol.read_your_writes import wait_for_position

M = TypeVar("M", bound=Model)
_TAG_LENGTH: Final = 12

After = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 500})]


class Paging(QueryParameters):
    """The part of a list to return."""

    limit: Limit = Field(100, description="The most items to return.")
    after: After | None = Field(
        None, description="The end of the page before, from its `next` link; the filters must be the same."
    )

    def filters(self) -> dict[str, Any]:
        """Return the filters, as they were given."""
        given = self.model_dump(exclude={"limit", "after"}, exclude_none=True, by_alias=True)
        return {name: to_json(value) for name, value in given.items()}


def keyset_page(  # noqa: PLR0913 - each is a word about the page
    request: HttpRequest,
    item: Item[M],
    rows: QuerySet[M],
    paging: Paging,
    key: Sequence[str],
    *,
    change: Callable[[Sequence[M]], Sequence[M]] | None = None,
) -> HttpResponse:
    """Answer a page of rows in the order of their key, with a link to the next page if there is one.

    `change` may change the rows of the page, or leave some out, before they are shown.
    """
    # The position is read before the rows, which are therefore at least as new.
    wait_for_position(request, lambda: position_of(rows.model))
    wanted = rows.order_by(*key)
    last = _last_key(request, rows.model, paging, key)
    if last is not None:
        wanted = wanted.filter(_beyond(key, last))
    return _response(request, item, wanted[: paging.limit + 1], paging, key, change)


Fetch = Callable[[list[Any] | None, int], Iterable[Any]]
"""Returns at most so many rows after a key, or from the first one on, in the order of the key."""


def fetched_page(  # noqa: PLR0913, PLR0917 - each is a word about the page
    request: HttpRequest, item: Item[M], model: type[M], fetch: Fetch, paging: Paging, key: Sequence[str]
) -> HttpResponse:
    """Answer a page of rows that `fetch` returns; their key has columns of the model."""
    last = _last_key(request, model, paging, key)
    return _response(request, item, fetch(last, paging.limit + 1), paging, key)


def _last_key(request: HttpRequest, model: type[Model], paging: Paging, key: Sequence[str]) -> list[Any] | None:
    """Return the key of the last row of the page before, None for the first page; raises Problem."""
    if paging.after is None:
        return None
    fields = [model._meta.get_field(name) for name in key]  # noqa: SLF001 - Django's own name
    try:
        return [
            field.to_python(value)  # type: ignore[union-attr] # each is a column
            for field, value in zip(fields, _last(request, paging, len(key)), strict=True)
        ]
    except (ValidationError, TypeError, ValueError, OverflowError) as error:
        raise _not_of_this_list() from error


def sorted_page(
    request: HttpRequest, item: Item[Any], rows: Iterable[Any], paging: Paging, key: Mapping[str, Sequence[str] | None]
) -> HttpResponse:
    """Answer a page of few rows. Each key is ordered by the values listed for it, or by its own order if none are."""

    def rank(values: Iterable[Any]) -> list[Any]:
        return [
            value if order is None else order.index(value) for value, order in zip(values, key.values(), strict=True)
        ]

    found = sorted(((rank(getattr(row, name) for name in key), row) for row in rows), key=lambda pair: pair[0])
    if paging.after is not None:
        try:
            last = rank(_last(request, paging, len(key)))
            found = [pair for pair in found if pair[0] > last]
        except (TypeError, ValueError) as error:
            raise _not_of_this_list() from error
    return _response(request, item, [row for _, row in found[: paging.limit + 1]], paging, tuple(key))


def _response(  # noqa: PLR0913, PLR0917 - as above
    request: HttpRequest,
    item: Item[M],
    found: Iterable[M],
    paging: Paging,
    key: Sequence[str],
    change: Callable[[Sequence[M]], Sequence[M]] | None = None,
) -> HttpResponse:
    """Answer the first rows found; if one more was found than a page holds, there is a next page."""
    rows = list(found)
    shown, next_page = rows[: paging.limit], None
    # A row is written in one transaction with its read model's position, so the page reflects its newest row.
    response_headers.raise_position(request, max((getattr(row, "position", 0) for row in shown), default=0))
    if len(rows) > paging.limit:
        last = _encoded([_tag(request, paging), *(to_json(getattr(shown[-1], name)) for name in key)])
        next_page = f"{request.path}?{urlencode({**paging.filters(), 'limit': paging.limit, 'after': last})}"
    items = shown if change is None else change(shown)
    return json_response({"items": [item.show(row) for row in items], "next": next_page})


def _beyond(key: Sequence[str], last: Sequence[Any]) -> Q:
    """Return (a, b) > (x, y) as a condition; with this form both databases begin at that place in the index."""
    first, *others = key
    if not others:
        return Q(**{f"{first}__gt": last[0]})
    return Q(**{f"{first}__gte": last[0]}) & (Q(**{f"{first}__gt": last[0]}) | _beyond(others, last[1:]))


def _tag(request: HttpRequest, paging: Paging) -> str:
    """Return a digest that only pages of one list with the same filters share."""
    identity = json.dumps([request.path, paging.filters()], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:_TAG_LENGTH]


def _encoded(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _last(request: HttpRequest, paging: Paging, length: int) -> list[Any]:
    """Return the key of the last row of the page before; raises Problem if `after` is not of this list."""
    text = paging.after or ""
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _not_of_this_list() from error
    simple = isinstance(values, list) and all(_is_key_value(value) for value in values)
    if not simple or _encoded(values) != text or len(values) != length + 1 or values[0] != _tag(request, paging):
        raise _not_of_this_list()
    rest: list[Any] = values[1:]
    return rest


def _is_key_value(value: object) -> bool:
    match value:
        case str():
            return value.isprintable()  # so neither a null byte nor a lone surrogate
        case bool():
            return False
        case int():
            return 0 <= value <= MAX_INT
        case _:
            return False


def _not_of_this_list() -> Problem:
    return invalid(Fault("/after", "must be from a next link of this list with the same filters"))
