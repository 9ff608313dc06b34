"""Everything under /api/, put together."""

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI

from ledger.api import calendar, commands, entities, log, problems
from ledger.api.body import StrictParser
from ledger.api.who import may
from projectors.api import lists, operations


class LedgerAPI(NinjaAPI):
    """Documents every problem as what it is: application/problem+json."""

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - ninja's own
        """Return the document with the content types that are sent."""
        document = super().get_openapi_schema(*args, **kwargs)
        for path_item in document["paths"].values():
            for operation in path_item.values():
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if int(status) >= problems.FIRST_PROBLEM and "application/json" in content:
                        content[problems.CONTENT_TYPE] = content.pop("application/json")
        return document


def make() -> NinjaAPI:
    """Return the API; nothing in it is open to anybody, but for its own description."""
    api = LedgerAPI(
        title="Daybook",
        version="1",
        description="An event-sourced ledger for receivables finance.",
        parser=StrictParser(),
        auth=may(),
        urls_namespace="api",
    )
    api.add_router("/commands", commands.router)
    for module in (entities, calendar, log, lists, operations):
        api.add_router("", module.router)
    for kind in problems.HANDLED:
        api.add_exception_handler(kind, handler)
    return api


def handler(request: HttpRequest, error: Any) -> Any:  # noqa: ANN401 - ninja's own
    """Answer an error."""
    return problems.handler(request, error)


api = make()
