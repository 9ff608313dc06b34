"""Headers of a response that are set while it is being made; a problem that is raised later carries them too."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

POSITION: Final = "Ledger-Position"
_ATTRIBUTE: Final = "response_headers"


def set_header(request: HttpRequest, name: str, value: str) -> None:
    """Set a header of the response to this request."""
    vars(request).setdefault(_ATTRIBUTE, {})[name] = value


def set_position(request: HttpRequest, position: int) -> None:
    """Set the position of the log that the response reflects."""
    set_header(request, POSITION, str(position))


def raise_position(request: HttpRequest, position: int) -> None:
    """Set the position that the response reflects, unless it is already higher."""
    current = vars(request).get(_ATTRIBUTE, {}).get(POSITION)
    if current is None or int(current) < position:
        set_position(request, position)


def with_headers(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return the view with the headers added that were set while it ran, unless its response has them."""

    @wraps(view)
    def run(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        response = view(request, **kwargs)
        for name, value in vars(request).get(_ATTRIBUTE, {}).items():
            response.headers.setdefault(name, value)
        return response

    return run
