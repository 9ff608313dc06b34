"""POST /api/batches: each command is answered in its place, by what it recorded or by its problem."""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import ValidationError
from pydantic import Field
from pydantic import ValidationError as Invalid

from eventstore import store
from eventstore.errors import IdempotencyKeyReused
from eventstore.records import Appended, Context
from ledger import batches
from ledger.batches import BatchRefused, Item, Result
from ledger.names import ACTOR_ID, COMMANDS, permission
from ledger.rules.refusals.base import NotAcceptable, Refusal
from web.api.batches import body
from web.api.commands import KEY_SCHEMA, as_json, body_schema, command_of, idempotency_key, refuse_if_gone
from web.protocol import problem_kinds, problems, response_headers
from web.protocol.authentication import actor, actor_id, authenticators, check_permission
from web.protocol.correlation_id import correlation_id
from web.protocol.json_pointers import pointer_to
from web.protocol.problems import Problem
from web.protocol.query_parameters import check_names
from web.protocol.response_schemas import PROBLEMS, ProblemSchema, RecordedEvent, ResponseSchema
from web.slots import RATE_LIMIT_HEADERS, SlotKind, need_slot

router = Router(tags=["commands"])
router.add_decorator(response_headers.with_headers, mode="view")

_MOST_S: Final = 60
_CREATED: Final = 201
_SENT: Final = {
    "type": "object",
    "required": ["command", "idempotency_key", "body"],
    "additionalProperties": False,
    "properties": {
        "command": {"type": "string", "enum": list(COMMANDS)},
        "idempotency_key": {**KEY_SCHEMA, "description": "As the header of the command alone."},
        "body": {"type": "object", "description": "The body of POST /api/commands/ and the name of the command."},
    },
}
_REQUEST: Final = {
    "requestBody": {
        "required": True,
        "content": {
            body.JSON: {
                "schema": {
                    "type": "object",
                    "required": ["commands"],
                    "additionalProperties": False,
                    "properties": {
                        "commands": {"type": "array", "minItems": 1, "maxItems": body.MAX_COMMANDS, "items": _SENT}
                    },
                }
            },
        },
    },
    "responses": {429: {"headers": RATE_LIMIT_HEADERS}},
}


class BatchParameters(Schema):
    """The parameters of a batch."""

    atomic: Literal["true", "false"] = Field(
        default="false", description="`true`: all commands are recorded, or none. `false`: each for itself."
    )


class BatchResult(ResponseSchema):
    """What became of one command."""

    status: int = Field(description="The status with which the command alone would have been answered.")
    position: int | None = Field(default=None, description="The position of its last event.")
    events: list[RecordedEvent] = Field(default_factory=list)
    replayed: bool = Field(default=False, description="Whether an earlier command with its key is answered again.")
    problem: ProblemSchema | None = Field(default=None, description="Why nothing was recorded.")


class BatchResults(ResponseSchema):
    """What became of each command, in the order in which they were sent."""

    position: int = Field(description="A position at or above all of these events.")
    results: list[BatchResult]


@router.post(
    "/batches",
    auth=authenticators(),
    response={200: BatchResults, **PROBLEMS, 429: ProblemSchema},
    operation_id="post-batch",
    summary="Many commands, decided in order, each on what the ones before it made",
    openapi_extra=_REQUEST,
)
def post_batch(request: HttpRequest, parameters: Query[BatchParameters]) -> HttpResponse:
    """Answer each command in its place. A batch sent again, whole or in part, records nothing twice.

    Each command needs its own permission. The body may also be lines with one command each, as application/x-ndjson.
    """
    check_names(request, frozenset({"atomic"}))
    refuse_if_gone(request)
    # See Note [Long requests hold slots]
    with need_slot(request, _MOST_S, SlotKind.FOLDING):
        return _execute(request, body.read(request), atomic=parameters.atomic == "true")


def _execute(request: HttpRequest, sent: Sequence[body.Sent], *, atomic: bool) -> HttpResponse:
    permitted: dict[str, Problem | None] = {}
    prepared = [_prepared(request, one, permitted) for one in sent]
    items = [one for one in prepared if isinstance(one, Item)]
    if atomic:
        faulty = next((index for index, one in enumerate(prepared) if isinstance(one, Problem)), None)
        if faulty is not None:
            raise _refused(faulty, prepared[faulty])
    context = Context(actor(request), correlation_id(request), None, {ACTOR_ID: actor_id(request)})
    try:
        results = iter(batches.execute(items, context, atomic=atomic))
    except BatchRefused as refused:
        response_headers.set_position(request, store.head().position)
        raise _refused(refused.index, _problem(refused.reason, items[refused.index])) from refused
    head = store.head().position
    response_headers.set_position(request, head)
    answers = [_answer(one) if isinstance(one, Problem) else _answer(next(results), one) for one in prepared]
    return HttpResponse(f'{{"position":{head},"results":[{",".join(answers)}]}}', content_type="application/json")


def _prepared(request: HttpRequest, sent: body.Sent, permitted: dict[str, Problem | None]) -> Item | Problem:
    """Return the command that was sent, or the problem for which it is not even decided."""
    if sent.name not in permitted:
        try:
            permitted[sent.name] = None
            check_permission(request, permission(sent.name))
        except PermissionDenied as denied:
            permitted[sent.name] = problems.of(denied)
    if (denial := permitted[sent.name]) is not None:
        return denial
    try:
        parsed = body_schema(sent.name).model_validate(sent.body)
    except Invalid as error:
        faults = [{**fault, "loc": ("body", "body", *fault["loc"])} for fault in error.errors(include_url=False)]
        return problems.of(ValidationError(faults))
    try:
        return Item((command_of(sent.name, parsed),), idempotency_key(sent.name, sent.key, request, parsed))
    except Refusal as refusal:
        return problems.refused(refusal)


def _problem(reason: Refusal | IdempotencyKeyReused, item: Item) -> Problem:
    if isinstance(reason, NotAcceptable):
        return problems.refused(reason, pointer_to(reason, item.commands[0]))
    return problems.of(reason)


def _refused(index: int, problem: Item | Problem) -> Problem:
    assert isinstance(problem, Problem)  # noqa: S101 - for the type checker
    detail = f"Command {index} of the batch, counted from 0, is refused, so nothing was recorded: {problem.text}"
    return Problem(problem_kinds.BATCH_REFUSED, detail, {"index": index, "problem": problem.content()})


def _answer(result: Result | Problem, item: Item | None = None) -> str:
    if isinstance(result, Appended):
        events = ",".join(map(as_json, result.events))
        replayed = ',"replayed":true' if result.repeated else ""
        return f'{{"status":{_CREATED},"position":{result.position},"events":[{events}]{replayed}}}'
    if isinstance(result, Problem):
        problem = result
    else:
        assert item is not None  # noqa: S101 - for the type checker
        problem = _problem(result, item)
    answer: dict[str, Any] = {"status": problem.status, "problem": problem.content()}
    return json.dumps(answer)
