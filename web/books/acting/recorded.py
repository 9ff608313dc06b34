"""The list of the commands, and the page after a record: its events, and which read models do not show them yet."""

import time
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from eventstore import store
from ledger.names import COMMANDS
from projectors.catalog import PROJECTORS
from projectors.explain.event import subject_of, words_of
from projectors.queries.live import position
from web.books.acting.access import may
from web.books.acting.catalog import SECTIONS, title
from web.books.frame import SECTIONS as NAVIGATION
from web.books.frame import Frame, NotFound, page, shown, takes
from web.slots import slots

_WAIT_S: Final = 2.0
_PAUSE_S: Final = 0.05
_MOST: Final = 1_000
_NAMES: Final = tuple(projector.name for projector in PROJECTORS)


@page
def commands(request: HttpRequest, _frame: Frame) -> HttpResponseBase:
    """List the commands that the reader may record by hand."""
    allowed = {name for name in COMMANDS if may(request.user, name)}
    sections = [(section, [title(name) for name in names if name in allowed]) for section, names in SECTIONS.items()]
    listed = [(section, titles) for section, titles in sections if titles]
    context = {"listed": listed, "frame": None, "section": "do", "sections": NAVIGATION}
    return TemplateResponse(request, "books/acting/commands.html", context)


@page
@takes("again")
def recorded(request: HttpRequest, frame: Frame, first: int, last: int) -> HttpResponseBase:
    """Show what one form has recorded, and say which read models do not show it yet."""
    is_recorded = 0 < first <= last <= frame.head and last - first < _MOST
    events = list(store.read_batch(from_position=first, up_to=last, limit=_MOST)) if is_recorded else []
    if len({event.correlation_id for event in events}) != 1:
        raise NotFound(f"The events from {first} to {last} were not recorded by one command.")
    _wait_for(request.user.pk or 0, last)
    return shown(
        request,
        "acting/recorded.html",
        frame,
        "do",
        rows=[(event, words_of(event), subject_of(event)) for event in events],
        again="again" in request.GET,
        behind=_behind(last),
    )


def _behind(last: int) -> list[str]:
    """Return the projectors whose rows do not show a position yet."""
    return [name for name in _NAMES if position(name) < last]


def _wait_for(user: int, last: int) -> None:
    """Wait shortly until the read models show a position. See Note [Long requests hold slots]."""
    slot = None if position(*_NAMES) >= last else slots.take(user, _WAIT_S)
    if slot is None:
        return
    with slot:
        until = time.monotonic() + _WAIT_S
        while position(*_NAMES) < last and time.monotonic() < until:
            time.sleep(_PAUSE_S)
