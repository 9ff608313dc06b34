"""Writes the proof that an event is in its seal."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from eventstore.management.base import ConsoleCommand
from processmanagers.proofs import prove


class Command(ConsoleCommand):
    """Prove an event to a person who has neither the ledger nor trust in it."""

    help = "Writes a file with which tools/verify_proof.py checks an event against a published seal."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the position and the file."""
        parser.add_argument("position", help="the event's position")
        parser.add_argument("--output", help="a new file (default: proof-POSITION.json)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prove it."""
        if not options["position"].isdecimal() or not 0 < int(options["position"]) < 2**63:
            raise CommandError(f"{options['position']!r} is not a position")
        proof = prove(int(options["position"]))
        path = Path(options["output"] or f"proof-{options['position']}.json")
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(proof, file, indent=1, ensure_ascii=False)
        except FileExistsError as error:
            raise CommandError(f"{path} exists: name another file with --output, or delete it") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
        self.stdout.write(f"{path}: chain {proof['chain']}, key {proof['public_key']}")
