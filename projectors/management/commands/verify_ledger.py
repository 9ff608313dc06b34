"""The command that compares the read models with the events."""

from typing import Any, ClassVar

from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay
from projectors.verification.differences import Difference, WrongSnapshot
from projectors.verification.verify import verify


class Command(ConsoleCommand):
    """Print a line for each comparison; exit 1 with the first difference: account, party and both figures."""

    help = "Folds the streams and compares them with the read models and the journal."
    refusals: ClassVar[tuple[type[Exception], ...]] = (*ConsoleCommand.refusals, Difference, WrongSnapshot)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Verify it."""
        with ProgressDisplay("verify_ledger", "steps") as display:
            report = verify(display.update)
        for line in report.lines:
            self.stdout.write(line)
        for warning in report.warnings:
            self.stderr.write(f"warning: {warning}")
