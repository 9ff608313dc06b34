"""POST /api/commands/<name>: one view for all commands of the ledger; the rules are in ledger.rules."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4  # noqa: TID251 - the edge, which makes the uuid that a client leaves out

from django.http import HttpRequest, HttpResponse
from ninja import Router

from eventstore import store
from eventstore.errors import WrongExpectedVersion
from eventstore.json_values import to_json
from eventstore.records import Appended, IdempotencyKey, RecordedEvent
from ledger import handlers
from ledger.grant import grant_balances
from ledger.names import ACTOR_ID, COMMANDS, permission
from ledger.rules.commands import Command, GrantBalances
from ledger.rules.refusals.base import NotAcceptable, Refusal
from web.api.entities import ENTITIES
from web.protocol import entity_tags, problem_kinds, problems, response_headers
from web.protocol.authentication import actor, actor_id, authenticators
from web.protocol.correlation_id import correlation_id
from web.protocol.json_pointers import pointer_to
from web.protocol.problems import Problem
from web.protocol.query_parameters import check_names, header
from web.protocol.request_schemas import RequestSchema, field_values, request_schema_of
from web.protocol.response_headers import POSITION
from web.protocol.response_schemas import PROBLEMS, Recorded
from web.server.connections import GONE, is_gone

router = Router(tags=["commands"])
router.add_decorator(response_headers.with_headers, mode="view")

KEY: Final = "Idempotency-Key"
# Two headers of one name arrive as one, with a comma between them.
_KEY: Final = re.compile(r"[!-+\--~]([ -+\--~]{0,198}[!-+\--~])?")
KEY_SCHEMA: Final = {"type": "string", "maxLength": 200, "pattern": f"^{_KEY.pattern}$"}
REPLAYED: Final = "Idempotent-Replayed"
UUID_FIELDS: Final = {
    "register-company": "company_uuid",
    "register-asset": "asset_uuid",
    "open-funding-account": "account_uuid",
    "create-deal": "deal_uuid",
    "originate-product": "product_uuid",
    "grant-balances": "grant_uuid",
}
"""The uuid field of each command that creates something; the uuid is made here if the client leaves it out."""
KEY_REQUIRED: Final = frozenset(
    {"fund-company", "fund-asset", "apply-payment", "pay-out-funds", "waive-late-fee", "record-recovery"}
)
"""Commands that create nothing with a uuid, so that a retry without a key would move or waive money twice."""


def body_schema(name: str) -> type[RequestSchema]:
    """Return the schema of a command's body."""
    return request_schema_of(COMMANDS[name], frozenset({UUID_FIELDS[name]} if name in UUID_FIELDS else ()))


def _execute(name: str, request: HttpRequest, body: RequestSchema) -> HttpResponse:
    refuse_if_gone(request)
    key = _key(name, request, body)
    command = command_of(name, body)
    creates = name in UUID_FIELDS
    try:
        appended = record(
            command,
            actor=actor(request),
            correlation_id=correlation_id(request),
            key=key,
            metadata={ACTOR_ID: actor_id(request)},
            expected=entity_tags.expected_version(request, command, creates=creates),
        )
    except WrongExpectedVersion as conflict:
        if header(request, entity_tags.IF_MATCH) is None:
            raise
        raise entity_tags.version_mismatch(conflict.expected, conflict.actual) from conflict
    except Refusal as refusal:
        # The events that explain the refusal are at or below the head.
        response_headers.set_position(request, store.head().position)
        if isinstance(refusal, NotAcceptable):
            raise problems.refused(refusal, pointer_to(refusal, command)) from refusal
        raise
    return _response(appended, creates=creates)


def refuse_if_gone(request: HttpRequest) -> None:
    """Refuse to record something that waited behind others for a thread until its client gave up; raises Problem."""
    if is_gone(request.META.get("gunicorn.socket")):
        raise Problem(problem_kinds.BAD_REQUEST, GONE)


def command_of(name: str, body: RequestSchema) -> Command:
    """Return the command that a body describes, with a new uuid if it creates something and names none."""
    fields = field_values(body, COMMANDS[name])
    uuid_field = UUID_FIELDS.get(name)
    if uuid_field is not None and fields[uuid_field] is None:
        fields[uuid_field] = uuid4()
    command: Command = COMMANDS[name](**fields)
    return command


def record(command: Command, **context: Any) -> Appended:
    """Record a command as `handlers.execute` does; a grant in the one way in which grants are made."""
    if isinstance(command, GrantBalances):
        fields = {field.name: getattr(command, field.name) for field in dataclasses.fields(command)}
        return grant_balances(**fields, **context)
    return handlers.execute(command, **context)


def _key(name: str, request: HttpRequest, body: RequestSchema) -> IdempotencyKey | None:
    given = header(request, KEY)
    if given is None:
        if name in KEY_REQUIRED:
            raise Problem(problem_kinds.KEY_REQUIRED)
        return None
    if not is_key(given):
        raise Problem(problem_kinds.INVALID_KEY)
    return idempotency_key(name, given, request, body)


def is_key(given: object) -> bool:
    """Say whether a value has the form of an idempotency key."""
    return isinstance(given, str) and _KEY.fullmatch(given) is not None


def idempotency_key(name: str, given: str, request: HttpRequest, body: RequestSchema) -> IdempotencyKey:
    """Return the key of a command: it belongs to the client and to the kind of command."""
    return IdempotencyKey(f"user {actor_id(request)}:{name}", given, _fingerprint(body))


def _fingerprint(body: RequestSchema) -> str:
    """Return a digest; bodies with the same values have the same digest, however they are written."""
    canonical = json.dumps(to_json(_canonical(body)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    match value:
        case RequestSchema():
            return {name: _canonical(getattr(value, name)) for name in type(value).model_fields}
        case tuple():
            return [_canonical(one) for one in value]
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case _:
            return value


def _response(appended: Appended, *, creates: bool) -> HttpResponse:
    events = ",".join(as_json(event) for event in appended.events)
    content = f'{{"position":{appended.position},"events":[{events}]}}'
    headers = {POSITION: str(appended.position)}
    if creates:
        created = appended.events[0]
        headers["Location"] = f"/api/{ENTITIES[created.category].plural}/{created.uuid}"
    if appended.repeated:
        headers[REPLAYED] = "true"
    return HttpResponse(content, status=201, content_type="application/json", headers=headers)


def as_json(event: RecordedEvent) -> str:
    """Return the JSON of an event in the answer to a command.

    The payload is written with sorted keys, because PostgreSQL returns it to a repeat with its keys in another order.
    """
    payload = json.dumps(event.payload, sort_keys=True, separators=(",", ":"))
    return (
        f'{{"position":{event.position},"stream_id":{json.dumps(event.stream_id)},"version":{event.version},'
        f'"type":{json.dumps(event.type)},"payload":{payload}}}'
    )


def _view(name: str) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, body: Any) -> HttpResponse:
        check_names(request, frozenset())
        return _execute(name, request, body)

    view.__name__ = view.__qualname__ = name.replace("-", "_")
    view.__annotations__["body"] = body_schema(name)
    return view


_REPLAYED_HEADER: Final = {
    REPLAYED: {
        "description": "`true` if an earlier command with the same key is answered again.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_LOCATION_HEADER: Final = {"Location": {"description": "The address of what is created.", "schema": {"type": "string"}}}


def _extra(name: str) -> dict[str, Any]:
    """Return what the OpenAPI document has of a command's headers."""
    key = _key_parameter(required=name in KEY_REQUIRED)
    if name in UUID_FIELDS:
        return {"parameters": [key], "responses": {201: {"headers": _REPLAYED_HEADER | _LOCATION_HEADER}}}
    return {"parameters": [key, entity_tags.CHANGING], "responses": {201: {"headers": _REPLAYED_HEADER}}}


def _key_parameter(*, required: bool) -> dict[str, Any]:
    return {
        "name": KEY,
        "in": "header",
        "required": required,
        "schema": KEY_SCHEMA,
        "description": "A repeat with the same key answers as the first time and records nothing.",
    }


for _name, _command in COMMANDS.items():
    router.post(
        f"/{_name}",
        auth=authenticators(permission(_name)),
        response={201: Recorded, **PROBLEMS},
        operation_id=_name,
        summary=(_command.__doc__ or _name).splitlines()[0].rstrip("."),
        openapi_extra=_extra(_name),
    )(_view(_name))
