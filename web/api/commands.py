"""POST /api/commands/<name>: every command of the ledger, each by the same few lines; the rules are elsewhere."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4  # noqa: TID251 - the edge where a uuid is made that the client leaves out

from django.http import HttpRequest, HttpResponse
from ninja import Router

from eventstore import store
from eventstore.records import Appended, IdempotencyKey, RecordedEvent
from ledger import handlers
from ledger.grant import grant_balances
from ledger.names import COMMANDS, permission
from ledger.rules.commands import Command, GrantBalances
from ledger.rules.refusals.base import NotAcceptable, Refusal
from web.protocol import problem_kinds, problems, response_headers
from web.protocol.authentication import actor, may
from web.protocol.json_pointers import pointer_to
from web.protocol.json_values import correlation_id, plain
from web.protocol.problems import Problem
from web.protocol.query_parameters import must_be
from web.protocol.request_schemas import Form, form_of, values
from web.protocol.response_headers import POSITION
from web.protocol.response_schemas import PROBLEMS, Recorded

router = Router(tags=["commands"])
router.add_decorator(response_headers.telling, mode="view")

KEY: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
MADE_HERE: Final = {
    "register-company": "company_uuid",
    "register-asset": "asset_uuid",
    "open-funding-account": "account_uuid",
    "create-deal": "deal_uuid",
    "originate-product": "product_uuid",
    "grant-balances": "grant_uuid",
}
"""Commands that create something, and the field of its uuid: made here where the client leaves it out."""
KEY_NEEDED: Final = frozenset({"fund-company", "fund-asset", "apply-payment", "pay-out-funds"})
"""Commands without a uuid of their own, of which a retry would pay twice."""


def form(name: str) -> type[Form]:
    """Return the schema of a command's body."""
    return form_of(COMMANDS[name], frozenset({MADE_HERE[name]} if name in MADE_HERE else ()))


def _execute(name: str, request: HttpRequest, body: Form) -> HttpResponse:
    key = _key(name, request, body)
    fields = values(body, COMMANDS[name])
    made = MADE_HERE.get(name)
    if made is not None and fields[made] is None:
        fields[made] = uuid4()
    command = COMMANDS[name](**fields)
    try:
        appended = _record(command, actor=actor(request), correlation_id=correlation_id(request), key=key)
    except Refusal as refusal:
        # What it rests on is recorded by now: whoever reads up to here sees why.
        response_headers.reflects(request, store.head().position)
        if isinstance(refusal, NotAcceptable):
            raise problems.refused(refusal, pointer_to(refusal, command)) from refusal
        raise
    return _answer(appended)


def _record(command: Command, **context: Any) -> Appended:
    if isinstance(command, GrantBalances):
        fields = {field.name: getattr(command, field.name) for field in dataclasses.fields(command)}
        return grant_balances(**fields, **context)
    return handlers.execute(command, **context)


def _key(name: str, request: HttpRequest, body: Form) -> IdempotencyKey | None:
    given = request.headers.get(KEY)
    if given is None:
        if name in KEY_NEEDED:
            raise Problem(problem_kinds.KEY_REQUIRED)
        return None
    if _KEY.fullmatch(given) is None:
        raise Problem(problem_kinds.INVALID_KEY)
    return IdempotencyKey(f"{actor(request)}:{name}", given, _fingerprint(body))


def _fingerprint(body: Form) -> str:
    """Return what two bodies that mean the same have in common, however they were written."""
    parsed = json.dumps(plain(_parsed(body)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(parsed.encode()).hexdigest()


def _parsed(value: Any) -> Any:
    match value:
        case Form():
            return {name: _parsed(getattr(value, name)) for name in type(value).model_fields}
        case tuple():
            return [_parsed(one) for one in value]
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case _:
            return value


def _answer(appended: Appended) -> HttpResponse:
    events = ",".join(as_json(event) for event in appended.events)
    content = f'{{"position":{appended.position},"events":[{events}]}}'
    return HttpResponse(
        content, status=201, content_type="application/json", headers={POSITION: str(appended.position)}
    )


def as_json(event: RecordedEvent) -> str:
    """Return what an answer to a command says of an event.

    The payload is written anew, in one way: PostgreSQL gives it back to a repeat with its fields in another order.
    """
    payload = json.dumps(event.payload, sort_keys=True, separators=(",", ":"))
    return (
        f'{{"position":{event.position},"stream_id":{json.dumps(event.stream_id)},"version":{event.version},'
        f'"type":{json.dumps(event.type)},"payload":{payload}}}'
    )


def _view(name: str) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, body: Any) -> HttpResponse:
        must_be(request, frozenset())
        return _execute(name, request, body)

    view.__name__ = view.__qualname__ = name.replace("-", "_")
    view.__annotations__["body"] = form(name)
    return view


def _header(*, required: bool) -> dict[str, Any]:
    return {
        "name": KEY,
        "in": "header",
        "required": required,
        "schema": {"type": "string", "maxLength": 200, "pattern": f"^{_KEY.pattern}$"},
        "description": "A repeat under the same key answers as the first time did, and does nothing again.",
    }


for _name, _command in COMMANDS.items():
    router.post(
        f"/{_name}",
        auth=may(permission(_name)),
        response={201: Recorded, **PROBLEMS},
        operation_id=_name,
        summary=(_command.__doc__ or _name).splitlines()[0].rstrip("."),
        openapi_extra={"parameters": [_header(required=_name in KEY_NEEDED)]},
    )(_view(_name))
