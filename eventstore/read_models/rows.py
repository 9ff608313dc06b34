"""What the tables of all read models have in common.

# Note [Generations]
Each row belongs to a generation. Queries answer from the generation that the projector's checkpoint names; a rebuild
fills the next one beside it and then moves that pointer. `generation` therefore comes first in every key. `position` is
the event at which the row was last changed.
"""

from django.db import models


class ReadModelRow(models.Model):
    """A row of a read model. See Note [Generations]."""

    generation = models.IntegerField()
    position = models.BigIntegerField(help_text="The event at which the row was last changed.")

    class Meta:
        abstract = True


def key(name: str, *fields: str) -> models.UniqueConstraint:
    """Return the unique key of a table: the generation, then what names a row within it."""
    return models.UniqueConstraint(fields=["generation", *fields], name=name)
