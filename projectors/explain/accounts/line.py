"""Why an account has its line in the trial balance: opening, debits, credits and closing, by event type and by party.

The sums are read and never walked, except for one party. What makes them is grouped only if it is at most MOST_LINES
lines; a longer period says so, and its lines are those of the journal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from ledger import as_of
from ledger.rules.money import from_minor, zero_like
from projectors.explain.accounts import proof
from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.figures import Cut, Equation, Proof, Term
from projectors.explain.moment import named_at
from projectors.explain.words import amount_text
from projectors.models import JournalLine
from projectors.queries.live import live
from projectors.queries.parties import names_of_parties
from projectors.queries.trial_balance import TrialBalanceLine, places_of_late_lines, trial_balance
from projectors.schema.sums import ExactSum

MOST_LINES: Final = 10_000
"""How many lines of the journal are grouped at most."""
MOST_PARTIES: Final = 50
"""How many parties are shown at most: those whose net moved most."""
_ZERO: Final = Decimal(0)
_GROUPED: Final = ("event_type", "party_type", "party_uuid", "minor_digits")


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of the journal that have something in common: their event type, or their party."""

    name: str
    lines: int
    debit: Decimal
    credit: Decimal
    party_type: str = ""
    party_uuid: UUID | None = None

    @property
    def net(self) -> Decimal:
        """Debits less credits."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class AccountExplanation:
    """All that explains a line of the trial balance; groups are None if there are more than MOST_LINES lines."""

    choice: AccountChoice
    cut: Cut
    equation: Equation
    by_event: tuple[Group, ...] | None
    by_party: tuple[Group, ...] | None
    parties: int
    proof: Proof

    @property
    def sentence(self) -> str:
        """The explanation in a sentence."""
        opening, debit, credit = (term.signed for term in self.equation.terms)
        unit = self.equation.unit
        began = f"began with {amount_text(opening)} {unit}" if opening else "began with nothing"
        moved = f"was debited {amount_text(debit)} and credited {amount_text(-credit)}"
        return f"It {began}, {moved}, and so stands at {amount_text(self.equation.total)} {unit}, debits less credits."


class Sums(NamedTuple):
    """Debits and credits."""

    debit: Decimal
    credit: Decimal

    @property
    def net(self) -> Decimal:
        """Debits less credits."""
        return self.debit - self.credit


def explain_account(choice: AccountChoice, cut: Cut) -> AccountExplanation | None:
    """Return the explanation of a line of the trial balance at a cut; None if the account has no line in it."""
    last = min((on for on in (choice.last, cut.until) if on is not None), default=None)
    whole = _all_sums(choice, cut.position, last)
    closing = _own(choice, whole)
    if closing is None:
        return None
    before = None if choice.first is None else choice.first - timedelta(days=1)
    zero = zero_like(closing.net)
    opening = (None if before is None else sums(choice, cut.position, before)) or Sums(zero, zero)
    others = _others(choice, whole)
    equation = _equation(opening, closing, choice.currency)
    places = _places(choice, cut.position, last)
    lines = _lines(choice, *places)
    is_whole = not lines.values_list("position")[MOST_LINES : MOST_LINES + 1].exists()
    in_period = _added_up(lines, choice, last) if is_whole else []
    groups = sorted(_groups(in_period, by_party=True), key=lambda group: (-abs(group.net), str(group.party_uuid)))
    period = Sums(sum((g.debit for g in groups), _ZERO), sum((g.credit for g in groups), _ZERO)) if is_whole else None
    added = None if period is None else opening.net + period.net
    return AccountExplanation(
        choice=choice,
        cut=cut,
        equation=equation,
        by_event=tuple(_groups(in_period, by_party=False)) if is_whole else None,
        by_party=tuple(names_of_groups(groups[:MOST_PARTIES], named_at(cut))) if is_whole else None,
        parties=len(groups),
        proof=proof.of_account(choice, cut, last, proof.Nets(opening.net, added, closing.net, others), places),
    )


def _equation(opening: Sums, closing: Sums, unit: str) -> Equation:
    net = opening.net
    terms = (
        Term("opening", net >= 0, abs(net), ()),
        Term("debits", adds=True, amount=closing.debit - opening.debit, positions=()),
        Term("credits", adds=False, amount=closing.credit - opening.credit, positions=()),
    )
    return Equation(terms, closing.net, unit, "debits less credits")


def sums(choice: AccountChoice, position: int, until: date | None) -> Sums | None:
    """Return what was debited and credited up to a position and for dates up to one; None if there is no line."""
    return _own(choice, _all_sums(choice, position, until))


def _all_sums(choice: AccountChoice, position: int, until: date | None) -> list[TrialBalanceLine]:
    """Return the sums of every account, or of a party's if one is chosen."""
    party = choice.party_uuid
    if party is None:
        return list(trial_balance(position, business_date=until))
    return _of_party(choice, party, position, until)


def _others(choice: AccountChoice, rows: Sequence[TrialBalanceLine]) -> Decimal:
    """Return credits less debits of all other accounts of the currency."""
    others = (row for row in rows if row.currency == choice.currency and row.account != choice.account)
    return -sum((from_minor(row.debit - row.credit, row.minor_digits) for row in others), _ZERO)


def _own(choice: AccountChoice, rows: Sequence[TrialBalanceLine]) -> Sums | None:
    chosen = [row for row in rows if (row.account, row.currency) == (choice.account, choice.currency)]
    if not chosen:
        return None
    debits, credits_ = (
        sum((from_minor(getattr(row, side), row.minor_digits) for row in chosen), _ZERO) for side in ("debit", "credit")
    )
    return Sums(debits, credits_)


def _of_party(choice: AccountChoice, party_uuid: UUID, position: int, until: date | None) -> list[TrialBalanceLine]:
    lines = live(JournalLine).filter(party_uuid=party_uuid, position__lte=position, currency=choice.currency)
    if until is not None:
        lines = lines.filter(Q(business_date__isnull=True) | Q(business_date__lte=until))
    added = lines.values("account", "currency", "minor_digits").order_by()
    return [
        TrialBalanceLine(row["account"], row["currency"], row["minor_digits"], int(row["debits"]), int(row["credits"]))
        for row in added.annotate(debits=ExactSum("debit"), credits=ExactSum("credit"))
    ]


def _places(choice: AccountChoice, position: int, last: date | None) -> tuple[int, int]:
    """Return the positions between which the lines of the period are: after the first, up to the second."""
    low = 0 if choice.first is None else as_of.booked_to(choice.first - timedelta(days=1))
    ended = None if last is None else as_of.booked_to(last)
    if low is None:
        return position, position  # Nothing is booked on the first date or later.
    if last is None or ended is None or ended >= position:
        return low, position
    late = places_of_late_lines(last, account=choice.account, currency=choice.currency)
    return low, min(position, ended if late is None else max(ended, late[1]))


def _lines(choice: AccountChoice, low: int, high: int) -> QuerySet[JournalLine]:
    lines = live(JournalLine).filter(position__gt=low, position__lte=high)
    if choice.party_uuid is not None:
        return lines.filter(party_uuid=choice.party_uuid).order_by("position", "line")
    return lines.filter(account=choice.account).order_by("position", "line")


def _added_up(lines: QuerySet[JournalLine], choice: AccountChoice, last: date | None) -> list[tuple[Any, ...]]:
    """Return the lines that count for the period, added up by the columns of _GROUPED."""
    within = Q() if last is None else Q(business_date__isnull=True) | Q(business_date__lte=last)
    if choice.first is not None:
        within &= Q(business_date__gte=choice.first)
    own = lines.filter(within, account=choice.account, currency=choice.currency).values(*_GROUPED).order_by()
    sums = own.annotate(lines=Count("id"), debits=ExactSum("debit"), credits=ExactSum("credit"))
    return list(sums.values_list(*_GROUPED, "lines", "debits", "credits"))


_Key = tuple[str, str, UUID | None]
"""An event type, or the category and the uuid of a party."""


def _groups(lines: Sequence[Sequence[Any]], *, by_party: bool) -> Iterator[Group]:
    # Whole numbers are added, because adding decimals takes several times as long.
    found: dict[tuple[_Key, int], list[int]] = {}
    for event_type, party_type, party_uuid, digits, *figures in lines:
        key = ("", party_type, party_uuid) if by_party else (event_type, "", None)
        added = found.setdefault((key, digits), [0, 0, 0])
        for place, figure in enumerate(figures):
            added[place] += figure
    groups: dict[_Key, Group] = {}
    for (key, digits), (count, debits, credits_) in sorted(found.items(), key=lambda item: str(item[0])):
        before = groups.get(key) or Group(key[0], 0, _ZERO, _ZERO, key[1], key[2])
        debit, credit = before.debit + from_minor(debits, digits), before.credit + from_minor(credits_, digits)
        groups[key] = replace(before, lines=before.lines + count, debit=debit, credit=credit)
    yield from groups.values()


def names_of_groups(groups: Sequence[Group], at: Sequence[int]) -> Iterator[Group]:
    """Yield groups of parties with the names that these had at the first of some positions."""
    parties = ((group.party_type, group.party_uuid) for group in groups if group.party_uuid is not None)
    names = names_of_parties(parties, at)
    for group in groups:
        name = names.get((group.party_type, group.party_uuid), "") if group.party_uuid is not None else ""
        yield Group(name, group.lines, group.debit, group.credit, group.party_type, group.party_uuid)
