"""Keeps the double-entry journal: the lines of each event that moves money; they add up to zero.

The party of a line is the company, asset or funding account for balances and for the clearing of their money; the
product for what is owed, paid and forgiven; the grant for money in transit. The reference is that of the event, or its
reason; the legs of a grant refer to the grant.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar, Final, NamedTuple

from django.db.models import Model

from eventstore.consumers.definitions import SetProjector
from eventstore.records import RecordedEvent
from eventstore.store import read_all
from projectors.events.dates import CYCLED, DatedEvent, dated
from projectors.events.payloads import digits, minor
from projectors.models import AccountSum, JournalLine, LateAccountSum
from projectors.sets.journal import RangeOfJournal
from projectors.tables.layout import Row
from projectors.tables.table import Table
from projectors.trial_balance import add_to_sums

ACCOUNTS: Final = (
    "account_balances",
    "asset_balances",
    "clearing_in",
    "clearing_out",
    "company_balances",
    "fees_receivable",
    "grants_in_transit",
    "late_fee_income",
    "late_fee_waivers",
    "late_fee_write_offs",
    "principal_receivable",
    "product_funding",
    "recovery_income",
    "write_off_losses",
)
"""Every account of the journal."""
_TABLE = Table(JournalLine, key=("position", "line"))
_PAGE: Final = 1000

Payload = dict[str, Any]


class Side(NamedTuple):
    """One side of an entry; `amount` is the recorded text."""

    account: str
    party_type: str
    party_uuid: str
    amount: str
    credit: bool


class Journal(SetProjector):
    """Projects journal lines and their sums. See Note [A trial balance is read and not added up]."""

    name: ClassVar[str] = "journal"
    types: ClassVar[tuple[str, ...]] = (
        "CompanyFunded",
        "AssetFunded",
        "FundsDebited",
        "FundsCredited",
        "FundsPaidOut",
        "ProductOriginated",
        "LateFeeIncurred",
        "PaymentApplied",
        "LateFeeWaived",
        "ProductWrittenOff",
        "FundingReversed",
        "PayoutReturned",
        "PaymentReversed",
        "LateFeeReversed",
        "WaiverReversed",
        "WriteOffReversed",
        "RecoveryRecorded",
        "RecoveryReversed",
        "PayoutReturnedToCompany",
        CYCLED,
    )
    tables: ClassVar[tuple[type[Model], ...]] = (JournalLine, AccountSum, LateAccountSum)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Write the lines of the events, and add them to the sums of their accounts."""
        made = [(event, lines(event)) for event in dated(events)]
        add_to_sums(made, generation, using)
        _TABLE.insert([line for _, of_event in made for line in of_event], generation, using)

    def project_range(self, after: int, up_to: int, generation: int, using: str) -> None:
        """Write all lines by one statement; the first lines of a generation, which has no sums yet, event by event."""
        if JournalLine.objects.using(using).filter(generation=generation).exists():
            _RANGE.project(after, up_to, generation, using)
            return
        events = read_all(after=after, up_to=up_to, types=self.types, using=using)
        while page := list(islice(events, _PAGE)):
            self.project(page, generation, using)


def lines(booking: DatedEvent) -> list[Row]:
    """Return the journal lines of an event; an amount of zero has no line."""
    event, payload, booking_date, business_date = booking
    sides_of = _ENTRIES.get(event.type)
    if sides_of is None:
        return []
    party_type, _, party_uuid = event.stream_id.partition("-")
    reference = payload.get("reference") or payload.get("reason") or payload.get("grant_uuid") or ""
    rows: list[Row] = []
    for side in sides_of(party_type, party_uuid, payload):
        amount = minor(side.amount)
        if amount:
            rows.append(
                {
                    "position": event.position,
                    "line": len(rows) + 1,
                    "event_type": event.type,
                    "business_date": business_date,
                    "booking_date": booking_date,
                    "account": side.account,
                    "party_type": side.party_type,
                    "party_uuid": side.party_uuid,
                    "currency": payload["currency"],
                    "minor_digits": digits(side.amount),
                    "debit": 0 if side.credit else amount,
                    "credit": amount if side.credit else 0,
                    "reference": reference,
                }
            )
    return rows


def _received(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("clearing_in", party_type, party_uuid, payload["amount"], credit=False)
    yield Side(f"{party_type}_balances", party_type, party_uuid, payload["amount"], credit=True)


def _debited(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side(f"{party_type}_balances", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("grants_in_transit", "grant", payload["grant_uuid"], payload["amount"], credit=True)


def _credited(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("grants_in_transit", "grant", payload["grant_uuid"], payload["amount"], credit=False)
    yield Side("account_balances", party_type, party_uuid, payload["amount"], credit=True)


def _paid_out(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("account_balances", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("clearing_out", party_type, party_uuid, payload["amount"], credit=True)


def _originated(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("principal_receivable", party_type, party_uuid, payload["principal"], credit=False)
    yield Side("product_funding", party_type, party_uuid, payload["principal"], credit=True)


def _incurred(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("fees_receivable", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("late_fee_income", party_type, party_uuid, payload["amount"], credit=True)


def _paid(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("clearing_in", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("principal_receivable", party_type, party_uuid, payload["to_principal"], credit=True)
    yield Side("fees_receivable", party_type, party_uuid, payload["to_fees"], credit=True)


def _waived(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("late_fee_waivers", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("fees_receivable", party_type, party_uuid, payload["amount"], credit=True)


def _written_off(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("write_off_losses", party_type, party_uuid, payload["principal"], credit=False)
    yield Side("late_fee_write_offs", party_type, party_uuid, payload["fees"], credit=False)
    yield Side("principal_receivable", party_type, party_uuid, payload["principal"], credit=True)
    yield Side("fees_receivable", party_type, party_uuid, payload["fees"], credit=True)


def _recovered(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("clearing_in", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("recovery_income", party_type, party_uuid, payload["amount"], credit=True)


def _returned_to_company(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
    yield Side("clearing_out", party_type, party_uuid, payload["amount"], credit=False)
    yield Side("company_balances", party_type, party_uuid, payload["amount"], credit=True)


_Sides = Callable[[str, str, Payload], Iterator[Side]]


def _reversed(entry: _Sides) -> _Sides:
    """Return the entry the other way round: a reversal carries the amounts of what it reverses."""

    def sides(party_type: str, party_uuid: str, payload: Payload) -> Iterator[Side]:
        for side in entry(party_type, party_uuid, payload):
            yield side._replace(credit=not side.credit)

    return sides


_ENTRIES: dict[str, _Sides] = {
    "CompanyFunded": _received,
    "AssetFunded": _received,
    "FundsDebited": _debited,
    "FundsCredited": _credited,
    "FundsPaidOut": _paid_out,
    "ProductOriginated": _originated,
    "LateFeeIncurred": _incurred,
    "PaymentApplied": _paid,
    "LateFeeWaived": _waived,
    "ProductWrittenOff": _written_off,
    "FundingReversed": _reversed(_received),
    "PayoutReturned": _reversed(_paid_out),
    "PaymentReversed": _reversed(_paid),
    "LateFeeReversed": _reversed(_incurred),
    "WaiverReversed": _reversed(_waived),
    "WriteOffReversed": _reversed(_written_off),
    "RecoveryRecorded": _recovered,
    "RecoveryReversed": _reversed(_recovered),
    "PayoutReturnedToCompany": _returned_to_company,
}
_RANGE: Final = RangeOfJournal(_ENTRIES, Journal.types)
