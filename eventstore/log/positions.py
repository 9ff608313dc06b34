"""Positions of events of a type, read from its index alone."""

from collections.abc import Sequence

from eventstore.models import Event


def positions_of_type(type_name: str, up_to: int, limit: int, using: str = "default") -> list[int]:
    """Return the first positions of a type, at most `limit`, up to a position."""
    events = Event.objects.using(using).filter(type=type_name, position__lte=up_to).order_by("position")
    return list(events.values_list("position", flat=True)[:limit])


def which_are_of_type(type_name: str, positions: Sequence[int], using: str = "default") -> list[int]:
    """Return those of some positions whose events are of a type, in order."""
    events = Event.objects.using(using).filter(type=type_name, position__in=positions).order_by("position")
    return list(events.values_list("position", flat=True))
