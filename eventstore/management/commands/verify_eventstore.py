"""Reads the whole event store and says whether it is whole."""

from typing import Any

from eventstore.log.verification import verify
from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import Showing


class Command(ConsoleCommand):
    """Positions and versions without holes, every event readable; exit 1 and the first fault otherwise."""

    help = "Reads the whole store: positions and versions without holes, every event readable."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Verify it."""
        with Showing("verify_eventstore", "steps") as showing:
            events = verify(showing.at)
        self.stdout.write(f"{events} events: positions and versions without holes, every one readable")
