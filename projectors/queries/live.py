"""The live rows of Daybook's read models, the position that they reflect, and a help for the planner."""

from django.db.models import QuerySet, Value
from django.db.models.functions import Concat

from eventstore.read_models.live import M, behind, live, position, position_of, projector_of

__all__ = ["behind", "live", "position", "position_of", "projector_of", "without_index"]


def without_index(rows: QuerySet[M], column: str, value: str) -> QuerySet[M]:
    """Return the rows with a value in a column, found by another index than that column's.

    It is used beside a filter that finds fewer rows: the planner may choose the wrong one of two indexes.
    """
    # An expression has no index.
    found: QuerySet[M] = rows.alias(**{f"{column}_as_text": Concat(column, Value(""))})
    return found.filter(**{f"{column}_as_text": value})
