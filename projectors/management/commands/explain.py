"""The command that explains what a product owes, or a balance."""

import json
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from eventstore import store
from eventstore.json_values import to_json
from eventstore.management.base import ConsoleCommand
from ledger.rules.refusals.base import Refusal
from projectors.explain.answers.data import answer
from projectors.explain.answers.subject import NoSubject, explain, find_subject
from projectors.explain.answers.text import text_of
from projectors.explain.moment import ImpossibleMoment, moment, parsed


class Command(ConsoleCommand):
    """Print why a figure is what it is: its equation, a sentence, the events that make it, and its proof."""

    help = "Explains what a product owes, or the balance of a company, an asset or a funding account."
    refusals: ClassVar[tuple[type[Exception], ...]] = (
        *ConsoleCommand.refusals,
        Refusal,
        ImpossibleMoment,
        NoSubject,
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what is explained, its moment, and the form."""
        parser.add_argument(
            "reference",
            metavar="REFERENCE",
            help="a product's reference, a company's name, or the uuid or stream of either, of an asset or an account",
        )
        parser.add_argument("--as-of", default="", metavar="DATE|POSITION", help="the moment; by default now")
        parser.add_argument(
            "--known", default="now", metavar="now|then|POSITION", help="what was known of a date; by default now"
        )
        parser.add_argument(
            "--order",
            choices=("counts", "recorded"),
            default="counts",
            help="the order of the rows: by the date that they count for, or as they were recorded",
        )
        parser.add_argument("--json", action="store_true", help="the answer of the API")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Explain it."""
        at = moment(parsed(options["as_of"].strip()), options["known"].strip(), store.durable_head())
        subject = find_subject(options["reference"])
        explained = explain(subject, at.cut, options["order"])
        if explained is None:
            raise CommandError(f"there is no {subject.stream_id} as of position {at.cut.position}")
        if options["json"]:
            self.stdout.write(json.dumps(to_json(answer(explained, at)), indent=2, ensure_ascii=False))
        else:
            for line in text_of(explained, at):
                self.stdout.write(line)
        if explained.proof.ways and not explained.proof.agrees:
            raise CommandError("the ways to this figure differ: run manage.py verify_ledger")
