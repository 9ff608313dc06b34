"""/api/webhooks: register endpoints, act on them, and list what was sent."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4  # noqa: TID251 - the edge, which makes the uuid that a client leaves out

from django.http import HttpRequest, HttpResponse
from pydantic import Field, Strict

from eventstore import store
from eventstore.errors import OperationRefused
from ledger.names import OPERATE
from relays.models import Delivery, Endpoint
from relays.webhooks import endpoints
from relays.webhooks.endpoints import InvalidEndpoint, NoSuchEndpoint
from web.protocol import problem_kinds, response_headers
from web.protocol.authentication import actor, authenticators
from web.protocol.json_values import json_response
from web.protocol.problems import Fault, Problem, invalid, not_found
from web.protocol.query_parameters import MAX_INT, MAX_TEXT, PathUuid, check_names
from web.protocol.query_router import QueryRouter
from web.protocol.read_your_writes import wait_for_position
from web.protocol.request_schemas import RequestSchema, scalar_type
from web.protocol.response_schemas import PROBLEMS, ProblemSchema, ResponseSchema, Timestamp

router = QueryRouter("webhooks")
_SHOWN: Final = 200
_TEXT: Final = scalar_type(str)


class NewWebhook(RequestSchema):
    """An endpoint to be registered."""

    uuid: scalar_type(UUID) | None = Field(default=None, description="Made here if it is left out.")  # type: ignore[valid-type] # made at run time
    url: _TEXT = Field(description="Begins with https:// and is of the internet.")  # type: ignore[valid-type]
    types: Annotated[tuple[_TEXT, ...], Strict(strict=False), Field(max_length=100)] = Field(  # type: ignore[valid-type]
        default=(), description="The event types that are sent; all, if it is left out."
    )
    description: Annotated[str, Field(max_length=MAX_TEXT, pattern=r"^[^\u0000-\u001f]*$")] = ""


class WebhookAction(RequestSchema):
    """What an operator does to an endpoint."""

    action: Literal["enable", "disable", "rotate-secret", "skip", "redeliver", "delete"]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"^[^\u0000-\u001f]*[^\u0000-\u0020]$")]
    position: Annotated[int, Field(ge=1, le=MAX_INT)] | None = Field(
        default=None, description="The event to skip or to send again."
    )


class Webhook(ResponseSchema):
    """An endpoint and how it stands."""

    uuid: UUID
    url: str
    types: list[str] = Field(description="The event types that are sent; empty for all.")
    description: str
    position: int = Field(description="The last event that was taken or skipped.")
    state: Literal["working", "failing", "disabled"]
    why: str = Field(description="Why it is disabled or failing; otherwise empty.")
    next_try_at: Timestamp | None = Field(description="When a failing endpoint is tried again.")
    created_at: Timestamp
    created_by: str


class WebhookWithSecret(Webhook):
    """An endpoint with its secret, which is shown only when it is made."""

    secret: str


class WebhookDone(ResponseSchema):
    """What an action has made."""

    done: str
    secret: str | None = Field(description="The new secret, after `rotate-secret`.")


class WebhookList(ResponseSchema):
    """All endpoints, in the order in which they were registered."""

    items: list[Webhook]


class WebhookDelivery(ResponseSchema):
    """What became of one event at an endpoint."""

    position: int
    type: str
    state: Literal["delivered", "failing", "skipped"]
    attempts: int
    last_attempt_at: Timestamp
    last_result: str
    is_requested: bool = Field(description="Whether an operator asked for it to be sent again.")


class WebhookDeliveryList(ResponseSchema):
    """The last deliveries of an endpoint, newest first."""

    items: list[WebhookDelivery]


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    is_failing = endpoint.failing_since is not None
    state = "disabled" if endpoint.disabled_at else "failing" if is_failing else "working"
    newest = endpoint.deliveries.filter(position__gt=endpoint.position).first() if is_failing else None
    return {
        "uuid": endpoint.uuid,
        "url": endpoint.url,
        "types": endpoint.types,
        "description": endpoint.description,
        "position": endpoint.position,
        "state": state,
        "why": endpoint.disabled_reason or (newest.last_result if newest else ""),
        "next_try_at": endpoint.next_try_at if state == "failing" else None,
        "created_at": endpoint.created_at,
        "created_by": endpoint.created_by,
    }


def _of(uuid: UUID) -> Endpoint:
    endpoint = Endpoint.objects.filter(pk=uuid).first()
    if endpoint is None:
        raise not_found(f"There is no webhook {uuid}.")
    return endpoint


@router.query("/webhooks", WebhookList, "list-webhooks", "The endpoints to which events are sent")
def list_webhooks(request: HttpRequest) -> HttpResponse:
    """Answer every endpoint, without its secret."""
    wait_for_position(request, store.durable_head)
    response_headers.set_position(request, store.durable_head())
    return json_response({"items": [_shown(endpoint) for endpoint in Endpoint.objects.all()]})


@router.query(
    "/webhooks/{webhook_uuid}/deliveries",
    WebhookDeliveryList,
    "list-webhook-deliveries",
    "What was sent to an endpoint",
    may_be_missing=True,
)
def list_deliveries(request: HttpRequest, webhook_uuid: PathUuid) -> HttpResponse:
    """Answer the newest 200 deliveries; those that were taken are kept for 30 days."""
    wait_for_position(request, store.durable_head)
    endpoint = _of(webhook_uuid)
    response_headers.set_position(request, store.durable_head())
    fields = ("position", "type", "state", "attempts", "last_attempt_at", "last_result", "is_requested")
    rows = Delivery.objects.filter(endpoint=endpoint).values(*fields)[:_SHOWN]
    return json_response({"items": list(rows)})


@router.post(
    "/webhooks",
    auth=authenticators(OPERATE),
    response={201: WebhookWithSecret, **PROBLEMS},
    operation_id="register-webhook",
    summary="Register an endpoint, which gets the events from now on",
)
def register_webhook(request: HttpRequest, body: NewWebhook) -> HttpResponse:
    """Answer the endpoint with its secret, which is not shown again."""
    check_names(request, frozenset())
    try:
        made = endpoints.register(body.uuid or uuid4(), body.url, body.types, body.description, actor=actor(request))
    except InvalidEndpoint as refused:
        raise invalid(Fault(f"/{refused.field}", str(refused))) from refused
    except OperationRefused as refused:
        raise _refused(refused) from refused
    response_headers.set_position(request, made.position)
    response = json_response({**_shown(made), "secret": made.secret})
    response.status_code = 201
    return response


@router.post(
    "/webhooks/{webhook_uuid}/actions",
    auth=authenticators(OPERATE),
    response={200: WebhookDone, **PROBLEMS, 404: ProblemSchema},
    operation_id="act-on-webhook",
    summary="Enable, disable, rotate the secret, skip an event, send one again, delete",
)
def act_on_webhook(request: HttpRequest, webhook_uuid: PathUuid, body: WebhookAction) -> HttpResponse:
    """Record the action with its reason, and answer what it made."""
    check_names(request, frozenset())
    uuid, by = _of(webhook_uuid).pk, {"actor": actor(request), "reason": body.reason}
    secret = None
    if body.action in {"skip", "redeliver"} and body.position is None:
        raise invalid(Fault("/position", f"is required to {body.action}"))
    try:
        match body.action:
            case "enable":
                endpoints.enable(uuid, **by)
            case "disable":
                endpoints.disable(uuid, **by)
            case "rotate-secret":
                secret = endpoints.rotate(uuid, **by)
            case "skip":
                endpoints.skip(uuid, body.position or 0, **by)
            case "redeliver":
                endpoints.redeliver(uuid, body.position or 0, **by)
            case "delete":
                endpoints.delete(uuid, **by)
    except NoSuchEndpoint as missing:
        raise not_found(f"{str(missing)[:1].upper()}{str(missing)[1:]}.") from missing
    except OperationRefused as refused:
        raise _refused(refused) from refused
    response_headers.set_position(request, store.durable_head())
    return json_response({"done": body.action, "secret": secret})


def _refused(refused: OperationRefused) -> Problem:
    text = str(refused)
    return Problem(problem_kinds.OPERATION_REFUSED, f"{text[:1].upper()}{text[1:]}. Nothing was changed.")
