"""The live rows of a read model, and the position that they reflect."""

from collections.abc import Collection
from typing import TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet, Subquery

from eventstore.consumers.registry import consumers
from eventstore.models import Checkpoint

M = TypeVar("M", bound=Model)


def projector_of(model: type[Model]) -> str:
    """Return the name of the projector that keeps a table; raises LookupError if none is registered for it."""
    for projector in consumers.projectors.values():
        if model in projector.tables:
            return projector.name
    raise LookupError(f"no registered projector keeps {model.__name__}: name it in `tables` of its projector")


def live(model: type[M]) -> QuerySet[M]:
    """Return the rows that answer queries: one statement sees one generation. See Note [Generations]."""
    return model._default_manager.using(settings.READ_DATABASE).filter(generation=_generation(model))  # noqa: SLF001 - Django's own name


def position_of(model: type[Model]) -> int:
    """Return the position that a table reflects; 0 if its projector never ran."""
    return position(projector_of(model))


def behind(at: int, projectors: Collection[str]) -> dict[str, int]:
    """Return those projectors whose tables do not reflect a position yet, each with the position it reflects."""
    if not projectors:
        return {}
    checkpoints = Checkpoint.objects.using(settings.READ_DATABASE).filter(name__in=projectors)
    reached = dict(checkpoints.values_list("name", "position"))
    return {name: reached.get(name, 0) for name in projectors if reached.get(name, 0) < at}


def position(*projectors: str) -> int:
    """Return the position that the tables of all these projectors reflect; 0 if one never ran."""
    checkpoints = Checkpoint.objects.using(settings.READ_DATABASE).filter(name__in=projectors)
    found = list(checkpoints.values_list("position", flat=True))
    return min(found) if len(found) == len(projectors) else 0


def _generation(model: type[Model]) -> Subquery:
    checkpoint = Checkpoint.objects.using(settings.READ_DATABASE).filter(name=projector_of(model))
    return Subquery(checkpoint.values("generation"))
