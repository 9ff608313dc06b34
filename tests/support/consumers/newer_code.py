"""manage.py of the code one version later, which knows one more event type and one newer schema version.

`python -m tests.support.consumers.newer_code append` appends an event of each; other arguments are manage.py's.
"""

import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402 - Django comes first

from eventstore import store  # noqa: E402
from eventstore.payloads.registry import registry  # noqa: E402
from eventstore.records import Context, NewEvent  # noqa: E402
from tests.contracts import events as older  # noqa: E402
from tests.support.consumers.probes import Copy, registered  # noqa: E402


@dataclass(frozen=True, slots=True)
class ParcelWeighed:
    """The second shape: the scales have a number instead of a name."""

    weight: Decimal
    unit: str
    scales_number: int


@dataclass(frozen=True, slots=True)
class ParcelLost:
    """A type that the older code does not know."""

    reason: str


def _with_scales_number(payload: dict[str, Any]) -> dict[str, Any]:
    return {"weight": payload["weight"], "unit": payload["unit"], "scales_number": 0}


del registry._by_class[older.ParcelWeighed], registry._by_name["ParcelWeighed"]
registry.register(ParcelWeighed, categories=("parcel",), schema_version=2)
registry.register(ParcelLost, categories=("parcel",))
registry.upcaster("ParcelWeighed", 1)(_with_scales_number)


def append() -> None:
    """Append an event of the new shape and one of the new type."""
    context = Context("newer code", "a conversation")
    for data in (ParcelWeighed(Decimal("1.00"), "kg", 7), ParcelLost("on the way")):
        store.append([NewEvent(f"parcel-{uuid4()}", data)], context)


class NewerCopy(Copy):
    """Handles the new type as well."""

    types = (*Copy.types, "ParcelLost", "ParcelWeighed")


if __name__ == "__main__":
    if sys.argv[1] == "append":
        append()
    else:
        with registered() as consumers:
            consumers.projectors["copy"] = NewerCopy()
            execute_from_command_line(["manage.py", *sys.argv[1:]])
