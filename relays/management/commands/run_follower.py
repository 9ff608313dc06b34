"""`manage.py run_follower NAME --handler …`: follow the stream of another machine's log."""

import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from eventstore.management.base import ConsoleCommand, require_writable
from eventstore.management.running import add_arguments, batch_size
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.shutdown import Stop
from relays.following.operating import LONGEST_NAME

_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")


class Command(ConsoleCommand):
    """Run a follower: a handler of events on another machine than the log's."""

    help = (
        "Handle each event of the stream once, in order, by a function of yours, in the transaction that moves the"
        " checkpoint in this machine's database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, --handler, --once and --batch-size."""
        parser.add_argument("name", help="the name of the checkpoint, and of the durable consumer")
        parser.add_argument("--handler", required=True, help="the path of a function, such as fees.handle")
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it."""
        from relays.following.durable import Durable  # noqa: PLC0415 - only who uses it loads its client
        from relays.following.follower import Following  # noqa: PLC0415

        if not settings.JETSTREAM_URL:
            raise CommandError("JETSTREAM_URL is not set: name the servers of the stream")
        if not _NAME.fullmatch(options["name"]):
            raise CommandError(f"the name must have at most {LONGEST_NAME} letters, digits, hyphens and underscores")
        sys.path.insert(0, str(Path.cwd()))  # the handler may be in the folder from which the command runs
        try:
            handler = import_string(options["handler"])
        except ImportError as error:
            raise CommandError(f"--handler {options['handler']} cannot be loaded: {error}") from error
        if options["once"]:
            require_writable([DEFAULT_DB_ALIAS])
        size = batch_size(options) or settings.CONSUMER_BATCH_SIZE
        source = Durable(settings.JETSTREAM_URL, settings.JETSTREAM_STREAM, options["name"])
        with closing(source), Stop().on_signals() as stop:
            following = Following(options["name"], handler, source, size)
            Reconnecting(stop, self.stderr.write).until_done(lambda: following.run(stop, once=options["once"]))
