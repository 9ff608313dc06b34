"""Work in a child process that is a copy of this one, so that it can be killed or frozen at an exact point."""

import os
import sys
import warnings
from collections.abc import Callable

from django.db import connections


def fork(work: Callable[[], object]) -> int:
    """Begin the work in a child process and return its id; the child ends with status 0 unless the work raises."""
    # Connections must not be shared with the child: if one process closes a connection, it ends for both.
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child != 0:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001 - the child ends here in every case
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
