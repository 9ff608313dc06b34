"""The NinjaAPI that serves everything under /api/."""

from typing import Any, Final

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from web.api import (
    business_date,
    commands,
    customers,
    entities,
    event_stream,
    explanations,
    lists,
    log,
    operations,
    problem_pages,
    reports,
)
from web.api.batches import endpoint as batches
from web.api.webhooks import operations as webhooks
from web.protocol import problems
from web.protocol.authentication import authenticators
from web.protocol.json_body import StrictParser
from web.protocol.openapi import DocumentedAPI

_COMMANDS: Final = "commands/"


def _read_only(view: Any) -> Any:
    """Return a view that answers 405 to every method but GET and HEAD, before the CSRF check."""
    return csrf_exempt(require_safe(view))


def new_api() -> NinjaAPI:
    """Return the API. Every operation needs authentication; only the OpenAPI document and its page are public."""
    application = DocumentedAPI(
        title="Daybook",
        version="1",
        parser=StrictParser(),
        auth=authenticators(),
        urls_namespace="api",
        docs_decorator=_read_only,
    )
    application.add_router("/commands", commands.router)
    application.add_router("", batches.router)
    modules = (
        entities,
        explanations,
        business_date,
        log,
        event_stream,
        lists,
        reports,
        customers,
        operations,
        problem_pages,
        webhooks,
    )
    for module in modules:
        application.add_router("", module.router)
    for error in problems.HANDLED:
        application.add_exception_handler(error, _handle)
    return application


def _handle(request: HttpRequest, error: Any) -> Any:
    return problems.handle(request, error)


def _commands_apart(
    urls: tuple[list[URLPattern | URLResolver], str, str],
) -> tuple[list[URLPattern | URLResolver], str, str]:
    """Return the URLs with those of commands, half of them all, below one that no other request has to pass."""
    patterns, app, namespace = urls
    of_commands: list[URLPattern] = []
    others: list[URLPattern | URLResolver] = []
    for each in patterns:
        route = str(each.pattern)
        if isinstance(each, URLPattern) and route.startswith(_COMMANDS):
            of_commands.append(path(route.removeprefix(_COMMANDS), each.callback, each.default_args, each.name))
        else:
            others.append(each)
    return [path(_COMMANDS, include(of_commands)), *others], app, namespace


api = new_api()
urls = _commands_apart(api.urls)
