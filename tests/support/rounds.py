"""How often a random test repeats its work: a few times in `make test`, many times in `make prove`."""

import os
from typing import Final

FACTOR: Final = int(os.environ.get("DAYBOOK_TEST_ROUNDS", "1"))

PROVES: Final = FACTOR > 1
"""Whether this is `make prove`, which also runs what takes long and differs little."""


def rounds(few: int) -> int:
    """Return a number of rounds: `few`, or as many times that as `make prove` asks for."""
    return few * FACTOR
