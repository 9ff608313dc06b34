"""`manage.py export_events FOLDER`: events as Parquet or JSON lines, for analysts and other systems."""

from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from eventstore.management.base import ConsoleCommand
from eventstore.management.progress import ProgressDisplay
from relays.files.export import Wanted, export
from relays.files.formats import FORMATS

_MOST: Final = 10_000_000


class Command(ConsoleCommand):
    """Write events to a folder of files with a manifest; the same command later adds what is new."""

    help = "Writes events to a folder of files with a manifest, and goes on where an earlier run ended."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder, the format and the positions."""
        parser.add_argument("folder", type=Path, help="a new folder, or one that this command has begun")
        parser.add_argument("--format", choices=sorted(FORMATS), default="parquet", help="parquet unless given")
        parser.add_argument("--from", dest="first", metavar="N", help="the first position; 1 unless given")
        parser.add_argument("--to", dest="last", metavar="N", help="the last position; that of the head unless given")
        parser.add_argument("--events-per-file", metavar="N", default="100000", help="100000 unless given")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Export."""
        wanted = Wanted(
            options["format"],
            _number("--from", options["first"]),
            _number("--to", options["last"]),
            _number("--events-per-file", options["events_per_file"], most=_MOST) or _MOST,
        )
        with ProgressDisplay("export_events", "events") as display:
            manifest = export(options["folder"], wanted, display.update)
        size = sum(file.bytes for file in manifest.files)
        self.stdout.write(
            f"positions {manifest.first_position} to {manifest.last_position} in {len(manifest.files)} files,"
            f" {size:,} bytes"
        )


def _number(name: str, given: str | None, *, most: int = 2**63 - 1) -> int | None:
    if given is None:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise CommandError(f"{name} {given!r} is not allowed: it must be a whole number from 1 to {most}")
    return int(given)
