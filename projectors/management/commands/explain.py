"""The command that explains what a product owes, a balance, or a line of the trial balance."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from eventstore import store
from eventstore.json_values import to_json
from eventstore.management.base import ConsoleCommand
from ledger.rules.refusals.base import Refusal
from projectors.explain.accounts import answers as account_lines
from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.accounts.line import explain_account
from projectors.explain.answers.data import answer
from projectors.explain.answers.subject import NoSubject, explain, find_subject
from projectors.explain.answers.text import text_of
from projectors.explain.figures import Proof
from projectors.explain.moment import ImpossibleMoment, Moment, moment, parsed

_OF_LINES: Final = {"from": "first", "to": "last", "party": "party_uuid"}
"""The options of a line of the trial balance, and what AccountChoice calls them."""


class Command(ConsoleCommand):
    """Print why a figure is what it is: its equation, a sentence, the events that make it, and its proof."""

    help = (
        "Explains what a product owes, the balance of a company, an asset or a funding account, or a line of the trial"
        " balance."
    )
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
            help="a product's reference, a company's name, the uuid or stream of either, of an asset or of an account,"
            " or an account of the trial balance and a currency, such as fees_receivable/USD",
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
        for name, text in (("from", "the first date"), ("to", "the last date")):
            parser.add_argument(f"--{name}", type=_date, metavar="DATE", help=f"{text} that counts, of a trial balance")
        parser.add_argument(
            "--party", type=UUID, metavar="UUID", help="the only party whose lines of the trial balance count"
        )
        parser.add_argument("--json", action="store_true", help="the answer of the API")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Explain it."""
        at = moment(parsed(options["as_of"].strip()), options["known"].strip(), store.durable_head())
        if account_lines.is_account_line(options["reference"]):
            self._explain_line(at, options)
            return
        given = [f"--{name}" for name in _OF_LINES if options[name] is not None]
        if given:
            raise CommandError(
                f"{' and '.join(given)}: only for a line of the trial balance, such as fees_receivable/USD"
            )
        subject = find_subject(options["reference"])
        explained = explain(subject, at.cut, options["order"])
        if explained is None:
            raise CommandError(f"there is no {subject.stream_id} as of position {at.cut.position}")
        self._show(text_of(explained, at), answer(explained, at) if options["json"] else None, explained.proof)

    def _explain_line(self, at: Moment, options: dict[str, Any]) -> None:
        account, _, currency = options["reference"].partition("/")
        choice = AccountChoice(account, currency, **{named: options[name] for name, named in _OF_LINES.items()})
        if choice.first is not None and choice.last is not None and choice.first > choice.last:
            raise CommandError(f"--from {choice.first} is after --to {choice.last}")
        explained = explain_account(choice, at.cut)
        if explained is None:
            raise CommandError(f"{account} has no line in {currency} as of position {at.cut.position}")
        as_data = account_lines.answer(explained, at) if options["json"] else None
        self._show(account_lines.text_of(explained, at), as_data, explained.proof)

    def _show(self, text: Iterable[str], as_data: dict[str, Any] | None, proof: Proof) -> None:
        if as_data is None:
            for line in text:
                self.stdout.write(line)
        else:
            self.stdout.write(json.dumps(to_json(as_data), indent=2, ensure_ascii=False))
        if proof.ways and not proof.agrees:
            raise CommandError("the ways to this figure differ: run manage.py verify_ledger")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from error
