"""Takes what is loaded out of what Python's garbage collector visits."""

import gc
from functools import cache


@cache
def leave_out_what_is_loaded() -> None:
    """Let no later collection visit the code that is loaded: that takes a tenth of a second each time.

    Only the first call does something. A process makes it once it has loaded what it needs.
    """
    gc.collect()
    gc.freeze()
