"""The explanation of a line of the trial balance as the API and `manage.py explain` show it: as data, and as text."""

from collections.abc import Iterator, Sequence
from typing import Any

from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.accounts.line import MOST_LINES, AccountExplanation, Group
from projectors.explain.answers.data import proof_answer
from projectors.explain.answers.text import aligned, equation_text, moment_text, proof_text
from projectors.explain.moment import Moment
from projectors.explain.words import amount_text
from projectors.journal import ACCOUNTS


def is_account_line(reference: str) -> bool:
    """Say whether a reference is an account of the trial balance and a currency, such as `fees_receivable/USD`."""
    account, _, currency = reference.partition("/")
    return account in ACCOUNTS and bool(currency)


def answer(explained: AccountExplanation, at: Moment) -> dict[str, Any]:
    """Return an explanation as values of the ledger, by the names of their fields."""
    choice, equation = explained.choice, explained.equation
    return {
        "account": choice.account,
        "currency": choice.currency,
        "party_uuid": choice.party_uuid,
        "from": choice.first,
        "to": choice.last,
        "figure": equation.name,
        "total": equation.total,
        "sentence": explained.sentence,
        "position": explained.cut.position,
        "until": explained.cut.until,
        "business_date": at.business_date,
        "known": at.known,
        "terms": equation.terms,
        "by_event": _groups(explained.by_event),
        "by_party": _groups(explained.by_party),
        "parties": explained.parties,
        "proof": proof_answer(explained.proof),
    }


def _groups(groups: Sequence[Group] | None) -> list[dict[str, Any]] | None:
    if groups is None:
        return None
    return [
        {
            "name": group.name,
            "party_type": group.party_type or None,
            "party_uuid": group.party_uuid,
            "lines": group.lines,
            "debit": group.debit,
            "credit": group.credit,
            "net": group.net,
        }
        for group in groups
    ]


def text_of(explained: AccountExplanation, at: Moment) -> Iterator[str]:
    """Yield the lines of an explanation."""
    yield f"Account {explained.choice.account} in {explained.choice.currency}{_chosen(explained.choice)}"
    yield moment_text(at)
    yield ""
    yield f"  {equation_text(explained.equation)}"
    yield ""
    yield explained.sentence
    yield ""
    if explained.by_event is None or explained.by_party is None:
        yield f"More than {MOST_LINES:,} lines make this period: a shorter one, or a party, shows them in groups."
    else:
        yield from _table("event type", explained.by_event)
        yield ""
        yield from _table("party", explained.by_party)
        if explained.parties > len(explained.by_party):
            yield f"and {explained.parties - len(explained.by_party):,} more parties, whose net moved less"
    yield ""
    yield from proof_text(explained.proof)


def _chosen(choice: AccountChoice) -> str:
    began = "" if choice.first is None else f", from {choice.first}"
    ended = "" if choice.last is None else f", to {choice.last}"
    return f"{began}{ended}{'' if choice.party_uuid is None else f', of party {choice.party_uuid}'}"


def _table(what: str, groups: Sequence[Group]) -> Iterator[str]:
    yield from aligned(("lines", "debit", "credit", "net", what), [_cells(group) for group in groups])


def _cells(group: Group) -> tuple[str, ...]:
    named = f"{group.party_type}-{group.party_uuid} {group.name}".rstrip() if group.party_uuid else group.name
    return (f"{group.lines:,}", *map(amount_text, (group.debit, group.credit, group.net)), named)
