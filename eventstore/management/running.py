"""The options that all commands which run consumers have."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

_MOST: Final = 100_000


def add_arguments(parser: CommandParser) -> None:
    """Add --once and --batch-size."""
    parser.add_argument("--once", action="store_true", help="catch up and exit")
    parser.add_argument("--batch-size", metavar="N", help="at most so many events in one transaction")


def batch_size(options: Mapping[str, Any]) -> int | None:
    """Return the given batch size, or None; raises CommandError where it is not allowed."""
    given = options["batch_size"]
    if given is None:
        return None
    if not str(given).isdecimal() or not 1 <= int(given) <= _MOST:
        raise CommandError(f"--batch-size {given!r} is not allowed: it must be a whole number from 1 to {_MOST}")
    return int(given)
