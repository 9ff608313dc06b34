"""The options that commands which run consumers have, and who runs them."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from eventstore.consumers.loop import Follower
from eventstore.consumers.runner import Consumer
from eventstore.management.progress import Showing
from eventstore.runtime.shutdown import Stop

_MOST: Final = 100_000


def add_arguments(parser: CommandParser) -> None:
    """Add --once and --batch-size."""
    parser.add_argument("--once", action="store_true", help="catch up and exit")
    add_batch_size(parser)


def add_batch_size(parser: CommandParser) -> None:
    """Add --batch-size."""
    parser.add_argument("--batch-size", metavar="N", help="at most so many events in one transaction")


def batch_size(options: Mapping[str, Any]) -> int | None:
    """Return the given batch size, or None; raises CommandError where it is not allowed."""
    given = options["batch_size"]
    if given is None:
        return None
    if not str(given).isdecimal() or not 1 <= int(given) <= _MOST:
        raise CommandError(f"--batch-size {given!r} is not allowed: it must be a whole number from 1 to {_MOST}")
    return int(given)


def follow(followed: Sequence[Consumer], what: str, *, once: bool, report: Callable[[str], None]) -> None:
    """Run consumers until SIGTERM or SIGINT, or with `once` to the head, which long work is shown on its way to."""
    with Stop().on_signals() as stop:
        if not once:
            Follower(followed, stop, once=False, report=report).run()
            return
        with Showing(what, "events", always=False) as showing:
            Follower(followed, stop, once=True, report=report, seen=showing.at).run()


def operator() -> str:
    """Who types commands: the user of the operating system, where it knows one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
