"""A command that is not recorded yet, in words: its events, its journal lines, and what it changes."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from eventstore import store
from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent
from ledger.preview import Preview
from ledger.rules import events as e
from ledger.rules.money import from_minor
from projectors.events.dates import CYCLED, dated_since
from projectors.explain.event import name_of
from projectors.explain.words import Words, amount_text, words
from projectors.journal import lines
from projectors.preview.standing import figures

_PHRASES: Final[Mapping[type, str]] = {
    e.CompanyRegistered: "Registers the company {name}",
    e.CompanyRenamed: "Changes the name of the company to {name}",
    e.CompanyFunded: "Adds {amount} {currency} to the balance of the company",
    e.PayoutReturnedToCompany: "Gives the payout of {amount} {currency} at position {position} back to the company",
    e.FundingReversed: "Takes back the receipt of {amount} {currency} at position {position}",
    e.AssetRegistered: "Registers an asset worth {value} {currency}",
    e.AssetRevalued: "Values the asset at {value} {currency}",
    e.AssetFunded: "Adds {amount} {currency} that was collected to the balance of the asset",
    e.FundingAccountOpened: "Opens the funding account {label}, which is pending until it is activated",
    e.FundingAccountActivated: "Activates the funding account",
    e.FundingAccountClosed: "Closes the funding account for good",
    e.FundsPaidOut: "Pays out {amount} {currency}",
    e.PayoutReturned: "Takes back the payout of {amount} {currency} at position {position}",
    e.DealCreated: "Creates a deal, which is not active until it is activated",
    e.DealUpdated: "Replaces the terms of the deal, which must be activated again",
    e.DealActivated: "Activates the deal",
    e.DealDeleted: "Deletes the deal; its products stay",
    e.ProductOriginated: "Originates a product of {principal} {currency}, due {due_date}",
    e.PaymentApplied: "Applies {amount} {currency}: {to_principal} to principal and {to_fees} to fees",
    e.PaymentReversed: "Takes back the payment of {amount} {currency} at position {position}",
    e.LateFeeWaived: "Waives late fees of {amount} {currency}",
    e.LateFeeReversed: "Takes back the late fee of {amount} {currency} at position {position}",
    e.WaiverReversed: "Takes back the waiver of {amount} {currency} at position {position}",
    e.ProductWrittenOff: "Writes off {principal} {currency} of principal and {fees} {currency} of fees",
    e.WriteOffReversed: "Takes back the write-off of {principal} {currency} of principal and {fees} {currency} of fees",
    e.RecoveryRecorded: "Records a recovery of {amount} {currency}",
    e.RecoveryReversed: "Takes back the recovery of {amount} {currency} at position {position}",
    e.BalancesGranted: "Grants {total} {currency}",
}
"""What the first event of a decision does, in words."""


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event that would be recorded, and the name of what it is about."""

    stream_id: str
    type: str
    subject: str
    words: Words


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line that the journal would have; debit or credit is None."""

    account: str
    party_type: str
    party: str
    currency: str
    debit: Decimal | None
    credit: Decimal | None


@dataclass(frozen=True, slots=True)
class Effect:
    """A figure that would change; `before` is None if the thing does not exist yet."""

    stream_id: str
    subject: str
    figure: str
    before: Decimal | str | None
    after: Decimal | str
    unit: str


@dataclass(frozen=True, slots=True)
class PreviewInWords:
    """What a command would record, as people read it."""

    sentence: str
    events: tuple[PlannedEvent, ...]
    lines: tuple[PlannedLine, ...]
    effects: tuple[Effect, ...]


def in_words(preview: Preview) -> PreviewInWords:
    """Return a preview in words; the lines are those that the projector of the journal would write."""
    effects = tuple(_effects(preview))
    return PreviewInWords(
        sentence=_sentence(preview, effects),
        events=tuple(
            PlannedEvent(stream, type(data).__name__, name_of(preview.after[stream]), _words(data))
            for stream, data in preview.decision
        ),
        lines=tuple(_lines(preview)),
        effects=effects,
    )


def _sentence(preview: Preview, effects: tuple[Effect, ...]) -> str:
    first: Any = preview.decision[0][1]
    facts = {field.name: _plain(getattr(first, field.name)) for field in dataclasses.fields(first)}
    phrase = _PHRASES[type(first)].format(**facts)
    left = " and ".join(_left(effect) for effect in effects if _is_left(effect, type(first)))
    return f"{phrase}; leaves {left}." if left else f"{phrase}."


def _words(data: Any) -> Words:
    return words(data)


def _is_left(effect: Effect, first: type) -> bool:
    """Whether an effect says what is left: of a grant, what its sources still have."""
    if effect.figure not in {"owed", "balance"} or effect.before is None:
        return False
    return first is not e.BalancesGranted or not effect.stream_id.startswith("account-")


def _left(effect: Effect) -> str:
    where = "owed" if effect.figure == "owed" else f"in {effect.subject}"
    return f"{_plain(effect.after)} {effect.unit} {where}"


def _plain(value: object) -> str:
    return amount_text(value) if isinstance(value, Decimal) else str(value)


def _effects(preview: Preview) -> Iterator[Effect]:
    for stream in dict.fromkeys(stream for stream, _ in preview.decision):
        category, before, after = stream.partition("-")[0], preview.before[stream], preview.after[stream]
        was, becomes = figures(category, before), figures(category, after)
        for figure, value in becomes.items():
            if not before.exists or was[figure] != value:
                unit = (getattr(after, "currency", None) or "") if isinstance(value, Decimal) else ""
                yield Effect(stream, name_of(after), figure, was[figure] if before.exists else None, value, unit)


def _lines(preview: Preview) -> Iterator[PlannedLine]:
    cycled = store.last_of_type(CYCLED)
    date = None if cycled is None else cycled.data.new_date.isoformat()
    for planned in dated_since(date, list(_as_recorded(preview))):
        for row in lines(planned):
            party = name_of(preview.after.get(f"{row['party_type']}-{row['party_uuid']}"))
            digits = row["minor_digits"]
            yield PlannedLine(
                row["account"],
                row["party_type"],
                party or row["party_uuid"],
                row["currency"],
                from_minor(row["debit"], digits) if row["debit"] else None,
                from_minor(row["credit"], digits) if row["credit"] else None,
            )


def _as_recorded(preview: Preview) -> Iterator[RecordedEvent]:
    """Yield the events as the projector would read them; it looks at neither position nor time for the lines."""
    moment = datetime(1, 1, 1, tzinfo=UTC)
    for stream, data in preview.decision:
        name, schema_version, payload = registry.encode(data)
        yield RecordedEvent(0, stream, 0, name, schema_version, payload, "", "", None, "{}", moment)
