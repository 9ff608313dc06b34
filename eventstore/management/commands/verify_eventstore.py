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
            found = verify(display.update)
        sealed = f"; {found.seals} seals hold" if found.seals else ""
        self.stdout.write(f"{found.events} events: positions and versions without holes, every one readable{sealed}")
