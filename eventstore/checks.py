"""System checks: what must be true of the code before the log is read or written."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from eventstore.errors import EventStoreError
from eventstore.payloads.registry import registry

LOG = "log"
"""The tag of the checks that must pass before anything is read or written."""


@register(LOG)
def check_upcaster_chains(app_configs: Sequence[AppConfig] | None, **_kwargs: object) -> list[CheckMessage]:  # noqa: ARG001 - Django passes it
    """Every schema version before today's must have an upcaster to the next."""
    try:
        registry.check()
    except EventStoreError as error:
        return [Error(str(error), hint="Write the missing upcaster.", id="eventstore.E001")]
    return []
