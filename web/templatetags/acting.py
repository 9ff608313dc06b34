"""Tags that lead from a page of Books to the forms that a reader may want there, if the reader may use them."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.urls import reverse

from ledger.names import COMMANDS
from web.books.acting.access import may
from web.books.acting.catalog import REVERSAL_OF, title

register = template.Library()


@register.simple_tag(takes_context=True)
def may_record(context: Context) -> bool:
    """Say whether the reader may record any command by hand."""
    return any(may(context["request"].user, name) for name in COMMANDS)


@register.inclusion_tag("books/acting/links.html", takes_context=True)
def record(context: Context, *commands: str, of: str = "", at: int | None = None) -> dict[str, Any]:
    """Show links to the forms of commands, filled in with a stream or an event; a page of the past has none."""
    frame, user = context.get("frame"), context["request"].user
    shown = commands if frame is None or frame.is_now else ()
    return {"links": [(_address(name, of, at), title(name).title) for name in shown if may(user, name)]}


def _address(name: str, of: str, at: int | None) -> str:
    return f"{reverse('books:command', args=[name])}?{urlencode(_fields(name, of, at))}"


def _fields(name: str, of: str, at: int | None) -> dict[str, str]:
    """Return the field of a form that a stream, or an event, fills in."""
    if at is not None:
        return {"position": str(at)}
    category, _, uuid = of.partition("-")
    match name, category:
        case "grant-balances", "account":
            return {"destinations-0-to_company_account_uuid": uuid}
        case "grant-balances", _:
            return {"sources-0-from_uuid": of}
        case _:
            return {f"{category}_uuid": uuid}


@register.filter
def reversal(event_type: str) -> str:
    """Return the command that takes back an event of this type; an empty text if none does."""
    return REVERSAL_OF.get(event_type, "")
