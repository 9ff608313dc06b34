"""The OpenAPI document: what ninja makes of the views, and what it cannot know of headers, errors and examples."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from ninja import NinjaAPI

from ledger.names import COMMANDS, VIEW, permission
from web.protocol import problems
from web.protocol.query_parameters import IN_HEADERS
from web.protocol.read_your_writes import MIN_POSITION

Document = dict[str, Any]

EXAMPLES: Final = Path(__file__).with_name("examples.json")
"""By operation: a request, and the very answer that it got in the story which the tests play."""

_DESCRIPTION: Final = """\
An event-sourced ledger for receivables finance. What is recorded is never changed.

**Who.** A machine sends `Authorization: Bearer <token>`; it gets a token at `POST /o/token/` by OAuth 2.0 client
credentials, with the id and secret that `manage.py create_api_client` printed. A person who has logged in to the admin
may use this page as it is. Each command asks for a permission of its own, every query for `ledger.view_ledger`.

**Amounts** are text, such as `"1250.00"`, so that no digit is ever lost; a JSON number is refused.

**Repeating.** Send an `Idempotency-Key` of your own with each command: repeated with the same key and body, it answers
as it did the first time and does nothing again. Whenever no answer came, or 503, repeat with the same key.

**Reading what was just written.** Every answer has `Ledger-Position`. Sent back as `Ledger-Min-Position`, with
`Prefer: wait=2`, a query answers once its read model has come that far.

**Errors** are `application/problem+json`; `type` is stable and made for programs, `detail` for people."""

_TAGS: Final = {
    "commands": "Each records its events, all of them or none, or is refused by a rule and records nothing.",
    "queries": "One thing, folded from its events: never behind; with `as_of`, as it was then.",
    "read models": "Lists, made from the log a moment later; paged by key: follow `next` until it is null.",
    "the log": "The events themselves, in order.",
    "operations": "How the ledger is doing.",
}

_WAITING: Final = [
    {
        "name": MIN_POSITION,
        "in": "header",
        "required": False,
        "schema": IN_HEADERS,
        "description": "Answer only once what is read reflects at least this position; else 503 `not-reached`.",
    },
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "examples": ["wait=2"]},
        "description": "`wait=N`: wait up to N seconds, at most 10, for the position asked for.",
    },
]
_TRACING: Final = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The correlation id of what is recorded, of up to 200 printable ASCII characters without a space;"
    " without one, that of `traceparent`, or a new one.",
}
_POSITION: Final = {
    "description": "Of a command, the position of its last event; of a query, the position that its answer reflects.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}
_RETRY_AFTER: Final = {
    "description": "Seconds after which to try again.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}
_CHALLENGE: Final = {"description": "How to say who asks.", "schema": {"type": "string"}}
_TOKEN: Final = {
    "type": "oauth2",
    "description": "A machine's, with the id and secret that `create_api_client` printed.",
    "flows": {"clientCredentials": {"tokenUrl": "/o/token/", "scopes": {}}},
}


class DocumentedAPI(NinjaAPI):
    """Documents every answer as what it is, with examples that a test has seen."""

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - ninja's own
        """Return the document, which is made once."""
        return _document(self)


@cache
def _document(api: DocumentedAPI) -> Document:
    document: Document = NinjaAPI.get_openapi_schema(api)
    document["info"]["description"] = _DESCRIPTION
    document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    document["components"]["securitySchemes"]["ClientCredentials"] = _TOKEN
    examples = json.loads(EXAMPLES.read_text())
    for method, operation in _operations(document):
        _describe(method, operation)
        if operation["operationId"] in examples:
            _add_example(operation, examples[operation["operationId"]])
    return document


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path_item in document["paths"].values():
        yield from path_item.items()


def _describe(method: str, operation: Document) -> None:
    streams = any("text/event-stream" in response.get("content", {}) for response in operation["responses"].values())
    operation["parameters"] += [*(_WAITING if method == "get" and not streams else []), _TRACING]
    name = operation["operationId"]
    for parameter in operation["parameters"]:
        if isinstance(parameter.get("examples"), list):  # ninja takes them out of the schema, where they belong
            parameter["schema"]["examples"] = parameter.pop("examples")
    told = operation.get("description", "")
    operation["description"] = f"{told}\n\nAsks for the permission `{permission(name) if name in COMMANDS else VIEW}`."
    operation["security"] = [{"Bearer": []}, {"ClientCredentials": []}, {"Session": []}]
    for status, response in operation["responses"].items():
        response["headers"] = _headers(int(status))
        content = response.get("content", {})
        if int(status) >= problems.FIRST_PROBLEM and "application/json" in content:
            content[problems.CONTENT_TYPE] = content.pop("application/json")


def _headers(status: int) -> Document:
    match status:
        case 401:
            return {"WWW-Authenticate": _CHALLENGE}
        case 429 | 503:
            return {"Retry-After": _RETRY_AFTER}
        case _ if status < problems.FIRST_PROBLEM:
            return {"Ledger-Position": _POSITION}
        case _:
            return {}


def _add_example(operation: Document, example: Document) -> None:
    for parameter in operation["parameters"]:
        if parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]
    if "body" in example:
        operation["requestBody"]["content"]["application/json"]["example"] = example["body"]
    answered = next(
        response for status, response in operation["responses"].items() if int(status) < problems.FIRST_PROBLEM
    )
    answered["content"]["application/json"]["example"] = example["answer"]
