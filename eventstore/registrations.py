"""Which process managers of the code have never begun."""

from eventstore.consumers import consumers
from eventstore.models import Checkpoint


def never_registered() -> list[str]:
    """Return the names of the process managers that have no checkpoint: they miss whatever is appended now."""
    known = Checkpoint.objects.using("default").filter(name__in=consumers.managers).values_list("name", flat=True)
    return sorted(set(consumers.managers) - set(known))
