"""Publishes the seals: appends those that a file or a stream lacks, and compares those that it has."""

import fcntl
import os
from contextlib import closing
from io import BufferedRandom
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from eventstore import store
from eventstore.management.base import ConsoleCommand
from processmanagers.proofs import published


class Command(ConsoleCommand):
    """Anchor the seals in a file or a stream that those who can write to the database cannot change."""

    help = (
        "Appends each new seal to a file or a stream outside the database's reach, and fails if one there has changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, or --jetstream."""
        parser.add_argument("file", nargs="?", help="the file of seals, one a line; it is made if it does not exist")
        parser.add_argument("--jetstream", action="store_true", help="the stream named JETSTREAM_STREAM and _seals")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Append and compare."""
        if (options["file"] is None) != options["jetstream"]:
            raise CommandError("name a file, or say --jetstream")
        number, known = _in_stream() if options["jetstream"] else _in_file(Path(options["file"]))
        self.stdout.write(f"seals: {number}, new: {number - known}")


def _in_stream() -> tuple[int, int]:
    if not settings.JETSTREAM_URL:
        raise CommandError("JETSTREAM_URL is not set (docs/how-to/follow-with-jetstream.md)")
    from relays.jetstream.anchor import anchor  # noqa: PLC0415 - only those who use it load its client
    from relays.jetstream.relay import configured  # noqa: PLC0415

    with closing(configured(f"{settings.JETSTREAM_STREAM}_seals")) as stream:
        return anchor(stream, store.durable_head())


def _in_file(path: Path) -> tuple[int, int]:
    try:
        with path.open("a+b") as file:
            # Two runs at once would both append what neither of them has found.
            fcntl.flock(file, fcntl.LOCK_EX)
            anchored = _anchor(file, path, store.durable_head())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CommandError(f"{path} cannot be used: {error}") from error
    return anchored


def _anchor(file: BufferedRandom, path: Path, head: int) -> tuple[int, int]:
    """Append the seals that the file lacks; return how many there are, and how many lines it had."""
    file.seek(0)
    *known, torn = file.read().split(b"\n")
    number = 0
    for number, event in enumerate(store.read_all(types=["DaySealed"], up_to=head), start=1):
        line = published(event.data).encode()
        is_new = number > len(known)
        found = torn if is_new else known[number - 1]
        if found != line and not (is_new and line.startswith(found)):
            raise CommandError(
                f"line {number} of {path} is not the seal of {event.data.sealed_date} that the log has now:"
                " the log or the file was changed"
            )
        if is_new and torn:
            # A run was killed while it wrote this line.
            file.truncate(file.tell() - len(torn))
            torn = b""
        if is_new:
            file.write(line + b"\n")
    lines = len(known) + bool(torn)
    if number < lines:
        raise CommandError(f"{path} has {lines} seals and the log only {number}: seals were removed")
    return number, len(known)
