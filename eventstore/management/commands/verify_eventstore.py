"""Reads the whole event store and says whether it is whole."""

from typing import Any

from eventstore.log.verification import verify
from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay


class Command(ConsoleCommand):
    """Positions and versions without holes, every event readable; exit 1 and the first fault otherwise."""

    help = "Reads the whole store: positions and versions without holes, every event readable."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Verify it."""
        with ProgressDisplay("verify_eventstore", "steps") as display:
            events = verify(display.update)
        self.stdout.write(f"{events} events: positions and versions without holes, every one readable")
