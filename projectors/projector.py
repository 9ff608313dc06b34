"""What all projectors share: a name, the events that they handle, their tables, and a way to project."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from django.db.models import Model

from eventstore.records import RecordedEvent


class Projector(ABC):
    """A projector keeps a read model, rows of tables that nobody else writes.

    Each of its `tables` has a `generation`, leading its unique key: the one that answers queries is in the projector's
    checkpoint row, and a rebuild writes another beside it. Members of one group share the generation's number, so a
    dependent reads what it depends on under the generation that it is given itself.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    depends_on: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[type[Model], ...]]

    @abstractmethod
    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Write what the events say, at least one, only of `types`, in order, to rows of that generation.

        It runs in the transaction that moves the checkpoint, on the alias `using`; what it raises stops the projector.
        """
