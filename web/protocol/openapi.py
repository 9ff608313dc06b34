"""The OpenAPI document: what ninja derives from the views, with headers, errors, security and examples added."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from ledger.names import COMMANDS, OPERATE, VIEW, permission
from web.protocol import problems
from web.protocol.query_parameters import POSITION_HEADER
from web.protocol.read_your_writes import MIN_POSITION
from web.slots import RATE_LIMIT_HEADERS

Document = dict[str, Any]

EXAMPLES: Final = Path(__file__).with_name("examples.json")
"""For each operation a request and its answer, recorded by the tests and compared with each run of them."""

OPERATIONS: Final = frozenset({"register-webhook", "act-on-webhook"})
"""The operations that need the permission to operate."""

_DESCRIPTION: Final = """\
An event-sourced ledger for receivables finance. What is recorded is never changed.

**Authentication.** A machine sends `Authorization: Bearer <token>`; it gets a token at `POST /o/token/` by OAuth 2.0
client credentials, with the id and secret that `manage.py create_api_client` printed. A person who has logged in to the
admin can use this page as it is. Each command needs a permission of its own, every query `ledger.view_ledger`.

**Amounts** are strings, such as `"1250.00"`, so that no digit is lost; a JSON number is refused.

**Repeating.** Send a new `Idempotency-Key` with each command. A repeat with the same key and body answers as the first
time and records nothing. If no answer comes, or 503, repeat with the same key.

**Many at once.** `POST /api/batches` takes up to 10,000 commands, each with its own key, and answers each in its place.

**Reading what was just written.** Every answer has `Ledger-Position`. Send it back as `Ledger-Min-Position` with
`Prefer: wait=2`, and a query answers once its read model has reached that position.

**Compatibility.** A later release may add, without notice: members of answers, types of events, kinds of problems,
headers, operations, and parameters and fields that may be left out. Ignore what you do not know. Everything else keeps
its name, its type and its meaning; a change of that is another API beside this one.

**Errors** are `application/problem+json`. Programs decide by `type`, which never changes; `detail` is for people."""

_TAGS: Final = {
    "commands": "Each records all of its events, or is refused and records none.",
    "queries": "One entity, folded from its events and never behind; with `as_of`, its state in the past.",
    "read models": "Lists, updated from the log a moment later and paged by key: follow `next` until it is null.",
    "the log": "The events themselves, in order.",
    "webhooks": "Endpoints to which events are sent, signed as Standard Webhooks describes.",
    "operations": "The state of the consumers, and the kinds of problems.",
}

_WAIT_HEADERS: Final = [
    {
        "name": MIN_POSITION,
        "in": "header",
        "required": False,
        "schema": POSITION_HEADER,
        "description": "Answer only if the data reflect at least this position; else 503 `not-reached`.",
    },
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "examples": ["wait=2"]},
        "description": "`wait=N`: wait up to N seconds, at most 10, for the position in `Ledger-Min-Position`. If too"
        " many requests wait, 429.",
    },
]
_REQUEST_ID: Final = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The correlation id of the events recorded: 1 to 200 printable ASCII characters without a space. The"
    " default is the trace id of `traceparent`, or a new id.",
}
_POSITION: Final = {
    "description": "The position of a command's last event, or the position of the log that a query's answer reflects.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}
_RETRY_AFTER: Final = {
    "description": "Seconds to wait before trying again.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}
_CHALLENGE: Final = {"description": "How to authenticate.", "schema": {"type": "string"}}
_TOKEN: Final = {
    "type": "oauth2",
    "description": "For machines, with the id and secret that `create_api_client` printed.",
    "flows": {"clientCredentials": {"tokenUrl": "/o/token/", "scopes": {}}},
}


class DocumentedAPI(NinjaAPI):
    """An API whose document has every header and error, and examples that a test compares."""

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Return the response that a view may fill, which is made only for one that does: none of ours does."""
        make = super().create_temporal_response
        return SimpleLazyObject(lambda: make(request))  # type: ignore[return-value] # it stands for one

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - ninja's own
        """Return the document; it is made once."""
        return _document(self)


class _Schema(OpenAPISchema):
    """What ninja derives; it would describe the answer of a refusal anew for each of the 400 places that have it."""

    def __init__(self, api: NinjaAPI) -> None:
        self._described: dict[Any, tuple[Document, bool]] = {}
        super().__init__(api, api.get_root_path({}))

    def _create_schema_from_model(self, model: Any, *args: Any, **kwargs: Any) -> tuple[Document, bool]:
        if kwargs.get("mode") != "serialization":
            return super()._create_schema_from_model(model, *args, **kwargs)
        # Each answer is a model of its own with the one field `response`, the type of which is what differs.
        key = (model.model_fields["response"].annotation, kwargs["by_alias"])
        if key not in self._described:
            self._described[key] = super()._create_schema_from_model(model, *args, **kwargs)
        schema, required = self._described[key]
        return dict(schema), required


@cache
def _document(api: DocumentedAPI) -> Document:
    document: Document = _Schema(api)
    document["info"]["description"] = _DESCRIPTION
    document["servers"] = [{"url": "/", "description": "The server of this document."}]
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
    operation["parameters"] += [*(_WAIT_HEADERS if method == "get" and not streams else []), _REQUEST_ID]
    name = operation["operationId"]
    for parameter in operation["parameters"]:
        if isinstance(parameter.get("examples"), list):  # ninja takes them out of the schema
            parameter["schema"]["examples"] = parameter.pop("examples")
    description, needed = operation.get("description", ""), needed_permission(name)
    operation["description"] = f"{description}\n\nNeeds the permission `{needed}`."
    operation["security"] = [{"Bearer": []}, {"ClientCredentials": []}, {"Session": []}]
    for status, response in operation["responses"].items():
        response["headers"] = _headers(int(status)) | response.get("headers", {})
        content = response.get("content", {})
        if int(status) >= problems.FIRST_PROBLEM and "application/json" in content:
            content[problems.CONTENT_TYPE] = content.pop("application/json")


def needed_permission(name: str) -> str:
    """Return the permission that an operation needs, by its id."""
    if name in OPERATIONS:
        return OPERATE
    return permission(name) if name in COMMANDS else VIEW


def _headers(status: int) -> Document:
    match status:
        case 401:
            return {"WWW-Authenticate": _CHALLENGE}
        case 429:
            return {"Retry-After": _RETRY_AFTER} | RATE_LIMIT_HEADERS
        case 503:
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
    answer = next(
        response for status, response in operation["responses"].items() if int(status) < problems.FIRST_PROBLEM
    )
    answer["content"]["application/json"]["example"] = example["answer"]
