"""What the answer to a request will tell in its headers, noted while it is worked out; a problem tells it too."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

POSITION: Final = "Ledger-Position"
_NOTES: Final = "ledger_notes"


def note(request: HttpRequest, header: str, value: str) -> None:
    """Let the answer have a header."""
    vars(request).setdefault(_NOTES, {})[header] = value


def reflects(request: HttpRequest, position: int) -> None:
    """Let the answer say that it reflects the log up to a position."""
    note(request, POSITION, str(position))


def reflects_also(request: HttpRequest, position: int) -> None:
    """Let the answer say that it reflects the log up to a position, if it was to say less: more was found meanwhile."""
    noted = vars(request).get(_NOTES, {}).get(POSITION)
    if noted is None or int(noted) < position:
        reflects(request, position)


def telling(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return a view whose answers, whatever they are, have what was noted."""

    @wraps(run)
    def told(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        response = run(request, **kwargs)
        for header, value in vars(request).get(_NOTES, {}).items():
            response.headers.setdefault(header, value)
        return response

    return told
