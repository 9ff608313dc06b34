"""What operators do to endpoints: register, disable, enable, rotate, skip, send again, delete; each is recorded."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from eventstore import store
from eventstore.clock import database_now
from eventstore.consumers import operator_actions
from eventstore.errors import OperationRefused
from eventstore.payloads.registry import registry
from relays.models import Delivery, Endpoint
from relays.webhooks.addresses import AddressRefused, checked_address, parsed
from relays.webhooks.sending import new_secret

ROTATION: Final = timedelta(days=1)
"""After a rotation, the secret before signs as well for so long."""
_MOST: Final = 1000
_PAUSE: Final = "pause"
_RESUME: Final = "resume"
_SKIP: Final = "skip"
_RETIRE: Final = "retire"


class NoSuchEndpoint(OperationRefused):
    """There is no endpoint of that uuid, or no delivery of that position."""


class InvalidEndpoint(OperationRefused):
    """An endpoint cannot be registered with this value; `field` names it."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(fault)
        self.field = field


def register(uuid: UUID, url: str, types: Sequence[str], description: str, *, actor: str) -> Endpoint:
    """Register an endpoint, which gets the events from now on; raises OperationRefused and InvalidEndpoint."""
    if not settings.WEBHOOKS:
        raise OperationRefused("webhooks are off: set WEBHOOKS=true and run manage.py run_relay webhooks")
    if len(Endpoint.objects.all()[:_MOST]) == _MOST:
        raise OperationRefused(f"there are {_MOST} endpoints, which is the most")
    try:
        checked_address(parsed(url))
    except AddressRefused as error:
        raise InvalidEndpoint("url", f"the address is refused: {error}") from error
    except OSError as error:
        raise InvalidEndpoint("url", f"the host of the address cannot be found: {error.strerror or error}") from error
    unknown = sorted(set(types) - set(registry.names()))
    if unknown:
        raise InvalidEndpoint("types", f"there is no event type {unknown[0]!r}")
    now = database_now()
    given: dict[str, Any] = {"url": url, "types": sorted(set(types)), "description": description}
    made = {"secret": new_secret(), "position": store.head().position, "created_by": actor}
    with transaction.atomic():
        endpoint, is_new = Endpoint.objects.get_or_create(
            uuid=uuid, defaults={**given, **made, "created_at": now, "next_try_at": now}
        )
        if not is_new:
            raise OperationRefused(f"there is an endpoint {uuid} already")
        _record(_RESUME, endpoint, actor, f"registered for {url}")
    return endpoint


@transaction.atomic
def disable(uuid: UUID, *, actor: str, reason: str) -> None:
    """Send no more to an endpoint until it is enabled; it keeps its position."""
    endpoint = _locked(uuid)
    if endpoint.disabled_at is not None:
        raise OperationRefused(f"the endpoint is disabled already: {endpoint.disabled_reason}")
    endpoint.disabled_at, endpoint.disabled_reason = database_now(), f"{actor}: {_needed(reason)}"
    endpoint.save()
    _record(_PAUSE, endpoint, actor, reason)


@transaction.atomic
def enable(uuid: UUID, *, actor: str, reason: str) -> None:
    """Let an endpoint go on behind its position, at once."""
    endpoint = _locked(uuid)
    endpoint.disabled_at, endpoint.disabled_reason = None, ""
    endpoint.attempts, endpoint.failing_since, endpoint.next_try_at = 0, None, database_now()
    endpoint.save()
    _record(_RESUME, endpoint, actor, _needed(reason))


@transaction.atomic
def rotate(uuid: UUID, *, actor: str, reason: str) -> str:
    """Give an endpoint a new secret and return it; the one before signs as well for a day."""
    endpoint = _locked(uuid)
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, database_now() + ROTATION
    endpoint.secret = new_secret()
    endpoint.save()
    _record(_RESUME, endpoint, actor, f"secret rotated: {_needed(reason)}")
    return endpoint.secret


@transaction.atomic
def skip(uuid: UUID, position: int, *, actor: str, reason: str) -> None:
    """Let an endpoint pass over the event that it does not take, and over no other."""
    endpoint = _locked(uuid)
    failing = endpoint.deliveries.filter(position__gt=endpoint.position, state=Delivery.State.FAILING).first()
    if failing is None or failing.position != position:
        at = "no event" if failing is None else f"event {failing.position}"
        raise OperationRefused(f"the endpoint fails at {at}, and only that can be skipped")
    endpoint.position = position
    endpoint.attempts, endpoint.failing_since, endpoint.next_try_at = 0, None, database_now()
    endpoint.save()
    endpoint.deliveries.filter(pk=failing.pk).update(state=Delivery.State.SKIPPED)
    _record(_SKIP, endpoint, actor, _needed(reason), position)


@transaction.atomic
def redeliver(uuid: UUID, position: int, *, actor: str, reason: str) -> None:
    """Ask for an event to be sent again, beside the order of the others."""
    endpoint = _locked(uuid)
    if endpoint.disabled_at is not None:
        raise OperationRefused("the endpoint is disabled: enable it first")
    if not endpoint.deliveries.filter(position=position).update(is_requested=True):
        raise NoSuchEndpoint(f"nothing of position {position} was sent to the endpoint in the last 30 days")
    _record(_RESUME, endpoint, actor, f"event {position} sent again: {_needed(reason)}", position)


@transaction.atomic
def delete(uuid: UUID, *, actor: str, reason: str) -> None:
    """Delete an endpoint and the list of its deliveries; the operators' actions stay."""
    endpoint = _locked(uuid)
    _record(_RETIRE, endpoint, actor, f"{endpoint.url}: {_needed(reason)}")
    endpoint.delete()


def _locked(uuid: UUID) -> Endpoint:
    endpoint = Endpoint.objects.select_for_update().filter(pk=uuid).first()
    if endpoint is None:
        raise NoSuchEndpoint(f"there is no endpoint {uuid}")
    return endpoint


def _needed(reason: str) -> str:
    if not reason.strip():
        raise OperationRefused("a reason is needed: it is recorded for those who ask later")
    return reason.strip()


def _record(action: str, endpoint: Endpoint, actor: str, reason: str, position: int | None = None) -> None:
    name = f"webhook {endpoint.pk}"
    operator_actions.record(action, name, "default", actor=actor, reason=reason, position=position)
