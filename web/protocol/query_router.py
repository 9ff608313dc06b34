"""The router of queries: it refuses unknown parameters, and adds the headers that were set while a query ran."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from web.protocol import query_parameters, response_headers
from web.protocol.response_schemas import ProblemSchema

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
PROBLEMS: Final = (401, 403, 422, 429, 503)
"""The error statuses that every query may have."""


class QueryRouter(Router):
    """A router of queries."""

    def __init__(self, tag: str) -> None:
        super().__init__(tags=[tag])
        self.add_decorator(response_headers.with_headers, mode="view")

    def query(  # noqa: PLR0913 - as ninja's own
        self,
        path: str,
        schema: Any,
        name: str,
        summary: str,
        *,
        may_be_missing: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> Callable[[View], View]:
        """Register a view for GET of a path; `may_be_missing` if it may answer 404.

        `schema` describes its answer; without one, `extra` does, in the words of OpenAPI.
        """
        statuses = sorted((*PROBLEMS, *[404] * may_be_missing))
        responses: dict[int, Any] = {200: schema, **dict.fromkeys(statuses, ProblemSchema)}
        register = self.get(path, response=responses, operation_id=name, summary=summary, openapi_extra=extra)

        def decorate(view: View) -> View:
            @wraps(view)
            def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                query_parameters.check_names(request, known)
                return view(request, *args, **kwargs)

            register(checked)
            known = query_parameters.names_of(checked._ninja_operation)  # type: ignore[attr-defined]  # noqa: SLF001 - ninja's
            return view

        return decorate
