"""What an operator asks for, and the page that asks for a confirmation before it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.http import HttpRequest
from django.template.response import TemplateResponse

from web.books.frame import SECTIONS, Refused
from web.books.parameters import whole_number

_LONGEST_REASON: Final = 200
_LONGEST_ACTION: Final = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator asks for; the position is 0 if the action is about no event."""

    action: str
    reason: str
    position: int
    is_confirmed: bool


class Fact(NamedTuple):
    """A line of a confirmation: what it says, and the address of a page about it if there is one."""

    label: str
    value: object
    address: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is acted on: its name, the addresses of its page and of what acts on it, and what the button says."""

    name: str
    page: str
    act: str
    button: str


def asked_of(request: HttpRequest, actions: Mapping[str, str]) -> Asked:
    """Return what a form asks for; raises Refused."""
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "").strip()
    if action not in actions:
        raise Refused(f"action={action[:_LONGEST_ACTION]} is not possible: it must be {', '.join(actions)}.")
    if not reason:
        raise Refused("Give a reason: it is kept with what you do, for those who ask later.")
    if len(reason) > _LONGEST_REASON:
        raise Refused(f"The reason has {len(reason)} characters: it must have at most {_LONGEST_REASON}.")
    if "\x00" in reason:
        raise Refused("The reason must not have the character U+0000.")
    position = whole_number(request.POST, "position", default=0)
    return Asked(action, reason, position, request.POST.get("confirmed") == "yes")


def confirmation(
    request: HttpRequest, subject: Subject, asked: Asked, about: str, facts: Sequence[Fact]
) -> TemplateResponse:
    """Return the page that says what an action does, and does it when it is confirmed."""
    context = {
        "title": f"{subject.button} {subject.name}",
        "name": subject.name,
        "back": subject.page,
        "to": subject.act,
        "asked": asked,
        "about": about,
        "facts": facts,
        "button": subject.button,
        "frame": None,
        "section": "consumers",
        "sections": SECTIONS,
    }
    return TemplateResponse(request, "books/acting/confirm.html", context)
