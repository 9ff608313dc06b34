"""The live rows of a read model, and the position that they reflect."""

from typing import Final, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from eventstore.models import Checkpoint
from projectors.catalog import PROJECTORS

M = TypeVar("M", bound=Model)

_PROJECTOR_OF: Final[dict[type[Model], str]] = {
    table: projector.name for projector in PROJECTORS for table in projector.tables
}


def projector_of(model: type[Model]) -> str:
    """Return the name of the projector that keeps a table."""
    return _PROJECTOR_OF[model]


def live(model: type[M]) -> QuerySet[M]:
    """Return the rows that answer queries: one statement sees one generation. See Note [Generations]."""
    return model._default_manager.using(settings.READ_DATABASE).filter(generation=_generation(model))  # noqa: SLF001 - Django's own name


def position_of(model: type[Model]) -> int:
    """Return the position that a table reflects; 0 if its projector never ran."""
    return position(projector_of(model))


def position(*projectors: str) -> int:
    """Return the position that the tables of all these projectors reflect; 0 if one never ran."""
    checkpoints = Checkpoint.objects.using(settings.READ_DATABASE).filter(name__in=projectors)
    found = list(checkpoints.values_list("position", flat=True))
    return min(found) if len(found) == len(projectors) else 0


def without_index(rows: QuerySet[M], column: str, value: str) -> QuerySet[M]:
    """Return the rows with a value in a column, found by another index than that column's.

    It is used beside a filter that finds fewer rows: the planner may choose the wrong one of two indexes.
    """
    # An expression has no index.
    found: QuerySet[M] = rows.alias(**{f"{column}_as_text": Concat(column, Value(""))})
    return found.filter(**{f"{column}_as_text": value})


def _generation(model: type[Model]) -> Subquery:
    checkpoint = Checkpoint.objects.using(settings.READ_DATABASE).filter(name=projector_of(model))
    return Subquery(checkpoint.values("generation"))
