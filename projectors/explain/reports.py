"""Reports in amounts: the trial balance and aging by currency, with their totals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from ledger.rules.money import from_minor, zero_like
from projectors.explain.figures import Cut
from projectors.queries.aging import AgingLine, as_known_now, as_known_then
from projectors.queries.reports import BUCKETS
from projectors.queries.trial_balance import trial_balance

_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """An account of the trial balance in one currency."""

    name: str
    debit: Decimal
    credit: Decimal

    @property
    def net(self) -> Decimal:
        """Debits less credits."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class CurrencyBalance:
    """The accounts of one currency, and their total."""

    currency: str
    accounts: tuple[AccountTotal, ...]
    total: AccountTotal

    @property
    def is_zero(self) -> bool:
        """Whether debits and credits are equal."""
        return self.total.net == 0


def trial_balances(cut: Cut | None) -> list[CurrencyBalance]:
    """Return the trial balance of each currency, at a cut of the log or of every line."""
    lines = trial_balance() if cut is None else trial_balance(cut.position, business_date=cut.until)
    found: dict[str, list[AccountTotal]] = {}
    for line in lines:
        debit, credit = from_minor(line.debit, line.minor_digits), from_minor(line.credit, line.minor_digits)
        found.setdefault(line.currency, []).append(AccountTotal(line.account, debit, credit))
    return [_balance(currency, accounts) for currency, accounts in sorted(found.items())]


@dataclass(frozen=True, slots=True)
class AccountOfPeriod:
    """An account in one currency over a period: debits less credits before it, what was booked in it, and after it."""

    name: str
    currency: str
    opening: Decimal
    debit: Decimal
    credit: Decimal
    closing: Decimal


def accounts_between(low: int, high: int) -> Iterator[AccountOfPeriod]:
    """Yield each account that had lines up to position `high`, with what was booked above position `low`."""
    before = {(one.currency, account.name): account for one in trial_balances(Cut(low)) for account in one.accounts}
    for one in trial_balances(Cut(high)):
        for account in one.accounts:
            earlier = before.get((one.currency, account.name), AccountTotal(account.name, _NONE, _NONE))
            debit, credit = account.debit - earlier.debit, account.credit - earlier.credit
            opening = account.net - debit + credit
            yield AccountOfPeriod(account.name, one.currency, opening, debit, credit, account.net)


def _balance(currency: str, accounts: list[AccountTotal]) -> CurrencyBalance:
    debit = sum((account.debit for account in accounts), _NONE)
    credit = sum((account.credit for account in accounts), _NONE)
    return CurrencyBalance(currency, tuple(accounts), AccountTotal("total", debit, credit))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was owed in one bucket of days past due."""

    name: str
    principal: Decimal
    fees: Decimal
    products: int

    @property
    def owed(self) -> Decimal:
        """Principal and fees together."""
        return self.principal + self.fees


@dataclass(frozen=True, slots=True)
class CurrencyAging:
    """What was owed in one currency, by bucket, and all together."""

    currency: str
    buckets: tuple[Bucket, ...]
    total: Bucket


def aging_then(on: date) -> list[CurrencyAging]:
    """Return what was known to be owed as a date began, by currency, with empty buckets."""
    return _by_currency(as_known_then(on))


def aging_now(on: date, up_to: int | None = None) -> list[CurrencyAging]:
    """Return what was owed as a date began, as known now or at a position: with fees that were recorded later."""
    return _by_currency(as_known_now(on, up_to))


def _by_currency(lines: Iterable[AgingLine]) -> list[CurrencyAging]:
    found: dict[str, dict[str, Bucket]] = {}
    for line in lines:
        principal, fees = from_minor(line.principal, line.minor_digits), from_minor(line.fees, line.minor_digits)
        found.setdefault(line.currency, {})[line.bucket] = Bucket(line.bucket, principal, fees, line.products)
    return [_aging(currency, buckets) for currency, buckets in sorted(found.items())]


def _aging(currency: str, known: dict[str, Bucket]) -> CurrencyAging:
    zero = zero_like(next(iter(known.values())).principal)
    buckets = tuple(known.get(name, Bucket(name, zero, zero, 0)) for name in BUCKETS)
    principal = sum((bucket.principal for bucket in buckets), _NONE)
    fees = sum((bucket.fees for bucket in buckets), _NONE)
    return CurrencyAging(currency, buckets, Bucket("total", principal, fees, sum(each.products for each in buckets)))
