"""Who may open a form: people with the permission that the API asks for the same command."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect

from ledger import clients
from ledger.names import COMMANDS, VIEW, permission
from ledger.rules.refusals.base import Refusal
from web.books.frame import Refused, check_parameters, refusal


def may(user: AbstractBaseUser | AnonymousUser, command: str) -> bool:
    """Say whether a user may record a command by hand: may read, has its permission, and has a name of its own."""
    if not isinstance(user, User) or clients.is_reserved(user.get_username()):
        return False
    return user.has_perms((VIEW, permission(command)))


def acting(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Make a page on which a command is recorded of a view; it asks for the command's permission."""

    @csrf_protect
    @wraps(view)
    def shown(request: HttpRequest, command: str, **named: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("books:login"))
        if command not in COMMANDS:
            return refusal(request, f"There is no command {command}.", "The page Record lists the commands.", 404)
        if not may(request.user, command):
            return refusal(request, "You may not do that.", _needed(request, command), 403)
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        try:
            check_parameters(request.GET)
            check_parameters(request.POST)
            return view(request, command, **named)
        except Refused as refused:
            return refusal(request, refused.reason, "Nothing was recorded.", refused.status)
        except Refusal as refused:
            return refusal(request, str(refused), refused.remedy, 400)

    return shown


def _needed(request: HttpRequest, command: str) -> str:
    if clients.is_reserved(request.user.get_username()):
        return "The ledger itself records under your name. Log in as another user."
    return f"It asks for the permissions {VIEW} and {permission(command)}."
