"""Reports in amounts: the trial balance and aging by currency, with their totals."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from ledger.rules.money import from_minor
from projectors.explain.figures import Cut
from projectors.queries.books import BUCKETS, aging_in_order
from projectors.queries.trial_balance import trial_balance

_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Account:
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
    accounts: tuple[Account, ...]
    total: Account

    @property
    def is_zero(self) -> bool:
        """Whether debits and credits are equal."""
        return self.total.net == 0


def trial_balances(cut: Cut | None) -> list[CurrencyBalance]:
    """Return the trial balance of each currency, at a cut of the log or of every line."""
    lines = trial_balance() if cut is None else trial_balance(cut.position, business_date=cut.until)
    found: dict[str, list[Account]] = {}
    for line in lines:
        debit, credit = from_minor(line.debit, line.minor_digits), from_minor(line.credit, line.minor_digits)
        found.setdefault(line.currency, []).append(Account(line.account, debit, credit))
    return [_balance(currency, accounts) for currency, accounts in sorted(found.items())]


def _balance(currency: str, accounts: list[Account]) -> CurrencyBalance:
    debit = sum((account.debit for account in accounts), _NONE)
    credit = sum((account.credit for account in accounts), _NONE)
    return CurrencyBalance(currency, tuple(accounts), Account("total", debit, credit))


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


def aging(on: date) -> list[CurrencyAging]:
    """Return what was owed as a date began, by currency; a bucket in which nothing was owed is there too."""
    found: dict[str, dict[str, Bucket]] = {}
    for row in aging_in_order(on):
        principal, fees = from_minor(row.principal, row.minor_digits), from_minor(row.fees, row.minor_digits)
        found.setdefault(row.currency, {})[row.bucket] = Bucket(row.bucket, principal, fees, row.products)
    return [_aging(currency, buckets) for currency, buckets in sorted(found.items())]


def _aging(currency: str, known: dict[str, Bucket]) -> CurrencyAging:
    buckets = tuple(known.get(name, Bucket(name, _NONE, _NONE, 0)) for name in BUCKETS)
    principal = sum((bucket.principal for bucket in buckets), _NONE)
    fees = sum((bucket.fees for bucket in buckets), _NONE)
    return CurrencyAging(currency, buckets, Bucket("total", principal, fees, sum(each.products for each in buckets)))
