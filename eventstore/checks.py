"""System checks: conditions that the code must meet before it reads or writes the log."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name

from eventstore.consumers.definitions import ProcessManager, Projector, Relay
from eventstore.consumers.registry import consumers
from eventstore.errors import EventStoreError
from eventstore.log import replica
from eventstore.payloads.registry import registry
from eventstore.runtime.session_settings import broken_guarantees

LOG = "log"
"""The tag of the checks that must pass before the log is read or written."""


@register(LOG)
def check_upcaster_chains(app_configs: Sequence[AppConfig] | None, **_kwargs: object) -> list[CheckMessage]:  # noqa: ARG001 - Django passes it
    """Every schema version before today's must have an upcaster to the next."""
    try:
        registry.check()
    except EventStoreError as error:
        return [Error(str(error), hint="Write the missing upcaster.", id="eventstore.E001")]
    return []


@register(Tags.database)
def check_session_settings(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001
    databases: Collection[str] | None = None,
    **_kwargs: object,
) -> list[CheckMessage]:
    """Return a warning for each guarantee that a session setting of PostgreSQL does not give."""
    return [
        Warning(fault, hint="A pooler may drop the settings that Daybook asks for.", id="eventstore.W001")
        for using in databases or ()
        for fault in broken_guarantees(using)
    ]


@register(Tags.database)
def check_replica(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001
    databases: Collection[str] | None = None,
    **_kwargs: object,
) -> list[CheckMessage]:
    """Return a warning if the replica of the log is none, or that of another log."""
    if not settings.LOG_REPLICA or settings.LOG_REPLICA not in (databases or ()):
        return []
    fault = replica.misconfiguration()
    hint = "Name a streaming replica of the server of DATABASE_URL in LOG_REPLICA_URL; until then the primary is read."
    return [Warning(f"the log's replica is not read: {fault}", hint=hint, id="eventstore.W002")] if fault else []


@register(LOG)
def check_consumed_types(app_configs: Sequence[AppConfig] | None, **_kwargs: object) -> list[CheckMessage]:  # noqa: ARG001
    """Return an error for each event type that a consumer handles and no event class is registered for."""
    known = registry.names()
    faults: list[CheckMessage] = []
    every: list[ProcessManager | Projector | Relay] = [
        *consumers.managers.values(),
        *consumers.projectors.values(),
        *consumers.relays.values(),
    ]
    for consumer in every:
        for name in sorted(set(consumer.types or ()) - set(known)):
            meant = get_close_matches(name, known, n=1)
            message = f"{consumer.name} handles the event type {name!r}, which is not registered"
            hint = f"Did you mean {meant[0]!r}?" if meant else "Register its class, or remove it from `types`."
            faults.append(Error(message, hint=hint, id="eventstore.E002"))
    return faults
