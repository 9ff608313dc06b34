"""What the commands that run consumers share: their options, the loop, and the operator's name."""

import getpass
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from eventstore.consumers.loop import Loop
from eventstore.consumers.runner import Runner
from eventstore.management.base import require_all_migrated, require_writable
from eventstore.management.progress import ProgressDisplay
from eventstore.runtime.connections import short_sqlite_waits
from eventstore.runtime.databases import own_databases
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.session_settings import broken_guarantees
from eventstore.runtime.shutdown import Stop

_logger = logging.getLogger(__name__)
_MOST: Final = 100_000


def add_arguments(parser: CommandParser) -> None:
    """Add --once and --batch-size."""
    parser.add_argument("--once", action="store_true", help="catch up and exit")
    add_batch_size(parser)


def add_batch_size(parser: CommandParser) -> None:
    """Add --batch-size."""
    parser.add_argument("--batch-size", metavar="N", help="handle at most N events in one transaction")


def batch_size(options: Mapping[str, Any]) -> int | None:
    """Return the given batch size, or None; raises CommandError if it is not allowed."""
    given = options["batch_size"]
    if given is None:
        return None
    if not str(given).isdecimal() or not 1 <= int(given) <= _MOST:
        raise CommandError(f"--batch-size {given!r} is not allowed: it must be a whole number from 1 to {_MOST}")
    return int(given)


def run_loop(runners: Sequence[Runner], what: str, *, once: bool, report: Callable[[str], None]) -> None:
    """Run consumers until SIGTERM or SIGINT, or with `once` to the head, with progress if that takes long.

    A process that stays writes what happens to its log; with `once` the operator reads it from `report`.
    """
    with short_sqlite_waits(), Stop().on_signals() as stop:
        if not once:
            Reconnecting(stop, _logger.warning).until_done(lambda: _check_databases(_logger.warning))
            Loop(runners, stop, once=False, report=_logger.warning).run()
            return
        _check_databases(report)
        require_writable({runner.cursor.using for runner in runners})
        with ProgressDisplay(what, "events", always=False) as display:
            Loop(runners, stop, once=True, report=report, show=display.update).run()


def _check_databases(report: Callable[[str], None]) -> None:
    """Raise CommandError if a database cannot be used, and report each guarantee that its sessions do not give."""
    require_all_migrated()
    for using in own_databases():
        for fault in broken_guarantees(using):
            report(fault)


def operator() -> str:
    """Return the name of the operating system's user, or `unknown`."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
