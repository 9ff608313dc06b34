"""What all queries share: they refuse a parameter that they do not know, and their answers tell what they reflect."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router
from pydantic import BaseModel

from web.protocol import query_parameters, response_headers
from web.protocol.response_schemas import ProblemSchema

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
PROBLEMS: Final = (401, 403, 422, 503)
"""What every query may answer besides."""


class Queries(Router):
    """A router of queries."""

    def __init__(self, tag: str) -> None:
        super().__init__(tags=[tag])
        self.add_decorator(response_headers.telling, mode="view")

    def query(  # noqa: PLR0913 - as ninja's own
        self,
        path: str,
        schema: type[BaseModel] | None,
        name: str,
        summary: str,
        *,
        may_be_missing: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> Callable[[View], View]:
        """Make a view the answer to GET of a path; `may_be_missing` where it may answer 404.

        What it answers is described by its schema, or in `extra`, as OpenAPI has it.
        """
        statuses = sorted((*PROBLEMS, 404) if may_be_missing else PROBLEMS)
        answers: dict[int, Any] = {200: schema, **dict.fromkeys(statuses, ProblemSchema)}
        register = self.get(path, response=answers, operation_id=name, summary=summary, openapi_extra=extra)

        def made(view: View) -> View:
            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                query_parameters.must_be(request, known)
                return view(request, *args, **kwargs)

            register(guarded)
            known = query_parameters.names(guarded._ninja_operation)  # type: ignore[attr-defined]  # noqa: SLF001 - ninja's
            return view

        return made
