"""Folds the streams and compares them with the read models and the journal."""

from typing import Any, ClassVar

from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import Showing
from projectors.verification.differences import Difference
from projectors.verification.verify import verify


class Command(ConsoleCommand):
    """A line for each thing compared; exit 1 and the first difference, with account, party and both figures."""

    help = "Folds the streams and compares them with the read models and the journal."
    refusals: ClassVar[tuple[type[Exception], ...]] = (*ConsoleCommand.refusals, Difference)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Verify it."""
        with Showing("verify_ledger", "steps") as showing:
            compared = verify(showing.at)
        for line in compared:
            self.stdout.write(line)
