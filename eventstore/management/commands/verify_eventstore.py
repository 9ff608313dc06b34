"""Verifies the whole log."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.log.verification import verify
from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay


class Command(ConsoleCommand):
    """Ends with 1 and names the first fault, if positions or versions have a hole or an event cannot be read."""

    help = "Verifies the whole log: positions and versions have no holes, and every event can be read."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the published seals."""
        parser.add_argument(
            "--anchor", metavar="FILE", help="a file of `manage.py anchor`: each of its seals must hold"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Verify the log."""
        with ProgressDisplay("verify_eventstore", "steps") as display:
            found = verify(display.update, anchored=_anchored(options["anchor"]))
        sealed = f"; seals that hold: {found.seals}" if found.seals else ""
        self.stdout.write(f"{found.events} events: positions and versions without holes, every one readable{sealed}")


def _anchored(name: str | None) -> dict[str, str]:
    """Return the published chain of each seal by its date; raises CommandError."""
    if name is None:
        return {}
    try:
        lines = [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]
        return {str(line["date"]): str(line["chain"]) for line in lines}
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{name} is not a file of published seals: {error}") from error
