"""Addresses whose pages are still to come."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from web.books.frame import Frame, NotFound, page


@page
def pending(_request: HttpRequest, _frame: Frame, **_named: Any) -> HttpResponseBase:
    """Say that there is no page yet."""
    raise NotFound("There is no such page yet.")
