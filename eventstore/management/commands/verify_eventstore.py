"""Verifies the whole log."""

from typing import Any

from eventstore.log.verification import verify
from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay


class Command(ConsoleCommand):
    """Ends with 1 and names the first fault, if positions or versions have a hole or an event cannot be read."""

    help = "Verifies the whole log: positions and versions have no holes, and every event can be read."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Verify the log."""
        with ProgressDisplay("verify_eventstore", "steps") as display:
            events = verify(display.update)
        self.stdout.write(f"{events} events: positions and versions without holes, every one readable")
