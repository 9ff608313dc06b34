"""The proof of a line of the trial balance: the sums, the lines added up, the events put into lines anew."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.facts import stream_id
from ledger.rules.money import from_minor
from projectors.events.dates import DatedEvent
from projectors.events.payloads import payload_of
from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.dates import dated
from projectors.explain.figures import Cut, Proof, Way
from projectors.journal import lines
from projectors.models import JournalLine
from projectors.queries.live import live, position_of

MOST_EVENTS: Final = 2_000
"""How many events are put into lines anew at most."""
_ZERO: Final = Decimal(0)
_ANEW: Final = "the events put into lines anew"
_TOO_MANY: Final = f"more than {MOST_EVENTS:,} events; manage.py verify_ledger compares all"


class Nets(NamedTuple):
    """Debits less credits: before the period, with its lines added if they were, and as the sums have it.

    `others` are credits less debits of all other accounts of the currency.
    """

    opening: Decimal
    added: Decimal | None
    closing: Decimal
    others: Decimal


def of_account(
    choice: AccountChoice,
    cut: Cut,
    last: date | None,
    nets: Nets,
    places: tuple[int, int],
) -> Proof:
    """Return the proof of a closing net.

    `places` are the positions between which the lines of the period are.
    """
    opening, added, closing, others = nets
    first_way = "the sums kept by account" if choice.party_uuid is None else "the lines of this party summed"
    ways = [
        Way(first_way, closing),
        Way("the opening and the lines of the period added up", added, "" if added is not None else "too many lines"),
        _of_events(choice, cut, last, opening, places),
    ]
    if choice.party_uuid is None:
        ways.append(Way("all other accounts of the currency, with the sign reversed", others))
    return Proof(cut.position, tuple(ways))


def _of_events(choice: AccountChoice, cut: Cut, last: date | None, opening: Decimal, places: tuple[int, int]) -> Way:
    low, high = places
    reached = position_of(JournalLine)
    if reached < high:
        return Way(_ANEW, None, f"the journal is behind: it is at position {reached}")
    stream = None if choice.party_uuid is None else _stream_of(choice.party_uuid, choice.account)
    if choice.party_uuid is not None and stream is None:
        return Way(_ANEW, None, "the party is no stream of its own")
    if stream is None and high - low > MOST_EVENTS:  # positions have no gaps
        return Way(_ANEW, None, _TOO_MANY)
    if stream is None:
        events = list(store.read_all(after=low, up_to=high, limit=MOST_EVENTS + 1))
    else:
        events = list(store.read_stream(stream, up_to=cut.position, limit=MOST_EVENTS + 1))
    if len(events) > MOST_EVENTS:
        return Way(_ANEW, None, _TOO_MANY)
    first = choice.first if stream is None else None
    net = sum((_net(line) for line in _anew(events) if _is_of(line, choice, first, last)), _ZERO)
    return Way(_ANEW, net if stream is not None else opening + net)


def _stream_of(party_uuid: UUID, account: str) -> str | None:
    """Return the stream of a party; None for a grant, which has lines from the streams of others."""
    line = live(JournalLine).filter(party_uuid=party_uuid, account=account).order_by("position").first()
    if line is None or line.party_type == "grant":
        return None
    return stream_id(line.party_type, line.party_uuid)


def _anew(events: Sequence[RecordedEvent]) -> Iterator[dict[str, Any]]:
    for event, booked, counts_for in dated(events):
        on = [None if each is None else each.isoformat() for each in (booked, counts_for)]
        yield from lines(DatedEvent(event, payload_of(event), on[0], on[1]))


def _is_of(line: dict[str, Any], choice: AccountChoice, first: date | None, last: date | None) -> bool:
    if (line["account"], line["currency"]) != (choice.account, choice.currency):
        return False
    if choice.party_uuid is not None and line["party_uuid"] != str(choice.party_uuid):
        return False
    on = line["business_date"]
    if on is None:
        return first is None
    return (first is None or on >= first.isoformat()) and (last is None or on <= last.isoformat())


def _net(line: dict[str, Any]) -> Decimal:
    return from_minor(line["debit"] - line["credit"], line["minor_digits"])
