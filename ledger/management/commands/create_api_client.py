"""`manage.py create_api_client`: make a client that uses the ledger over HTTP."""

import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.management.base import ConsoleCommand
from ledger import clients
from ledger.names import COMMANDS, VIEW, permission

_NAME = re.compile(r"[A-Za-z0-9_@.+-]{1,150}")


class Command(ConsoleCommand):
    """Makes a client and prints its id and secret once."""

    help = "Make a machine client that may read and has the named permissions; print its id and secret once."
    refusals = (*ConsoleCommand.refusals, clients.NameTaken, clients.UnknownClient)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the name and the permissions."""
        parser.add_argument("name", help="the name of the client: the actor of the events that it records")
        parser.add_argument(
            "--permission",
            action="append",
            default=[],
            metavar="ledger.COMMAND",
            help="a permission; repeatable",
        )
        parser.add_argument("--all-commands", action="store_true", help="give it the permission of every command")
        parser.add_argument(
            "--token",
            action="store_true",
            help="print a bearer token that works at once; id and secret go to standard error",
        )

        parser.add_argument(
            "--new-secret", action="store_true", help="give the existing client of this name a new secret, nothing else"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the client."""
        name, known = options["name"], [permission(command) for command in COMMANDS]
        if _NAME.fullmatch(name) is None:
            raise CommandError(f"{name!r} is not a name: 1 to 150 letters, digits and @ . + - _")
        for given in options["permission"]:
            if given not in (VIEW, *known):
                raise CommandError(f"there is no permission {given!r}; there are: {', '.join((VIEW, *known))}")
        if options["new_secret"]:
            if options["all_commands"] or options["permission"]:
                raise CommandError("--new-secret changes no permission; an operator changes them in the admin")
            made = clients.renew_secret(name)
        else:
            made = clients.create(name, known if options["all_commands"] else options["permission"])
        if options["token"]:
            self.stdout.write(clients.token(made))
            self.stderr.write(f"client_id: {made.client_id}\nclient_secret: {made.client_secret}")
        else:
            self.stdout.write(f"client_id: {made.client_id}\nclient_secret: {made.client_secret}")
