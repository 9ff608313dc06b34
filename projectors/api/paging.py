"""Lists paged by key: a page ends where the next begins, whatever is written meanwhile."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from ledger.api.answers import answer
from ledger.api.problems import Fault, invalid
from ledger.api.waiting import reached
from projectors.queries import position_of

M = TypeVar("M", bound=Model)
MOST: Final = 1000


class Paging(Schema):
    """Which part of a list."""

    limit: int = Field(100, ge=1, le=MOST)
    after: str | None = Field(None, description="As a `next` link has it.")


class Page(Schema):
    """A page of a list, in the order of its key."""

    items: list[dict[str, Any]]
    next: str | None


def page(  # noqa: PLR0913, PLR0917 - what is listed, of what, in which order, and how it is shown
    request: HttpRequest,
    model: type[M],
    rows: Callable[[], QuerySet[M]],
    key: Sequence[str],
    show: Callable[[M], Mapping[str, Any]],
    paging: Paging,
    given: Mapping[str, Any],
) -> HttpResponse:
    """Answer a page of rows in the order of their key, with a link to the next where there is more."""
    # Read before the rows, which therefore are at least as new.
    reflected = reached(request, lambda: position_of(model))
    wanted = rows().order_by(*key)
    if paging.after is not None:
        wanted = wanted.filter(_beyond(key, _decoded(paging.after, key, model)))
    found = list(wanted[: paging.limit + 1])
    shown, further = found[: paging.limit], None
    if len(found) > paging.limit:
        last = _encoded([str(getattr(shown[-1], name)) for name in key])
        narrowed = {name: str(value) for name, value in given.items() if value is not None}
        further = f"{request.path}?{urlencode({**narrowed, 'limit': paging.limit, 'after': last})}"
    return answer({"items": [dict(show(row)) for row in shown], "next": further}, reflected)


def _beyond(key: Sequence[str], last: Sequence[Any]) -> Q:
    """Return (a, b) > (x, y), written so that both databases use the index of the key."""
    beyond = Q()
    for index, (name, value) in enumerate(zip(key, last, strict=True)):
        same = dict(zip(key[:index], last[:index], strict=True))
        beyond |= Q(**same, **{f"{name}__gt": value})
    return beyond


def _encoded(last: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")


def _decoded(text: str, key: Sequence[str], model: type[Model]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if isinstance(values, list) and len(values) == len(key):
            fields = [model._meta.get_field(name) for name in key]  # noqa: SLF001 - Django's own name
            return [field.to_python(str(value)) for field, value in zip(fields, values, strict=True)]  # type: ignore[union-attr]
    except (ValueError, binascii.Error, ValidationError):
        pass
    raise invalid(Fault("/after", "it is not what a next link had"))
