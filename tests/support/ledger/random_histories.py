"""Random histories of a whole ledger: what the rules make of commands drawn by chance, the same for the same seed."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from eventstore import store
from eventstore.records import Context, NewEvent
from ledger.rules import commands as c
from ledger.rules.commands import Command, Destination, Source
from ledger.rules.events import (
    CurrencyTotal,
    DealCompany,
    FundsPaidOut,
    LateFeeIncurred,
    LateFeeNotAssessed,
    LateFeesAssessed,
    LateFeeWaived,
    ProductWrittenOff,
    RecoveryRecorded,
    SystemCycled,
)
from ledger.rules.facts import stream_id
from ledger.rules.refusals.base import Refusal
from tests.unit.ledger.given import MINOR_DIGITS, Log, Recorded

FIRST_DATE = date(2024, 2, 20)
CURRENCIES = ("USD", "USD", "USD", "USD", "JPY", "KWD")
"""As they are drawn: mostly one, so that grants find sources of one currency."""


GREATEST = 10**18 - 1
"""The greatest amount in minor units."""


class History:
    """Draws commands and keeps what comes of them, append by append.

    With `extreme`, amounts are the greatest that the rules accept, rates are 1 and due dates lie far away. With
    `fees_late`, the fees of a date may be recorded while later dates are open.
    """

    def __init__(self, seed: int, steps: int = 150, *, extreme: bool = False, fees_late: bool = False) -> None:
        self._random = Random(seed)
        self._extreme = extreme
        self._fees_late = fees_late
        self._pending: list[list[tuple[str, object]]] = []
        self._log = Log()
        self._ids: dict[str, list[UUID]] = {}
        self._today: date | None = None
        self.appends: list[Recorded] = []
        for act in _PRELUDE:
            self._do(act)
        for _ in range(steps):
            self._do(self._random.choices(_DRAWN, _WEIGHTS)[0])

    @property
    def events(self) -> list[tuple[str, object]]:
        """Stream and event, in order; the first is at position 1."""
        return [pair for append in self.appends for pair in append]

    def _do(self, act: Callable[["History"], Command | None]) -> None:
        try:
            command = act(self)
            if command is not None:
                self.appends.append(self._log.when(command))
        except (Refusal, IndexError):
            return

    def _new(self, category: str) -> UUID:
        uuid = UUID(int=self._random.getrandbits(128))
        self._ids.setdefault(category, []).append(uuid)
        return uuid

    def _any(self, category: str) -> UUID:
        """Draw one that exists or was tried; IndexError if there is none."""
        return self._random.choice(self._ids.get(category, []))

    def _text(self) -> str:
        return self._random.choice(["invoice 7", "Größe\t".strip(), "it's \\N", '"quoted"', "{curly}"])

    def _amount(self, currency: str, most: int = 20_000) -> Decimal:
        least, most = (GREATEST - 9, GREATEST) if self._extreme else (1, most)
        return Decimal(self._random.randint(least, most)).scaleb(-MINOR_DIGITS[currency])

    def _position_of(self, stream: str) -> int:
        return self._random.choice([at for at, (one, _) in enumerate(self._log.recorded, 1) if one == stream])

    def _recorded(self, *classes: type) -> list[tuple[int, str, object]]:
        """Return position, stream and event of all events of some classes."""
        recorded = enumerate(self._log.recorded, 1)
        return [(at, stream, event) for at, (stream, event) in recorded if isinstance(event, classes)]

    def register_company(self) -> Command:
        return c.RegisterCompany(self._new("company"), self._text())

    def rename_company(self) -> Command:
        return c.RenameCompany(self._any("company"), self._text())

    def fund_company(self) -> Command:
        uuid = self._any("company")
        company = self._log.company(uuid)
        currency = company.currency if company.uses and company.currency else self._random.choice(CURRENCIES)
        return c.FundCompany(uuid, self._amount(currency), self._text(), currency)

    def register_asset(self) -> Command:
        currency = self._random.choice(CURRENCIES)
        sender, receiver = self._any("company"), self._any("company")
        value = self._amount(currency, 50_000)
        return c.RegisterAsset(self._new("asset"), value, sender, receiver, self._text(), currency)

    def revalue_asset(self) -> Command:
        uuid = self._any("asset")
        asset = self._log.asset(uuid)
        currency = asset.currency or "USD" if asset.uses else self._random.choice(CURRENCIES)
        return c.RevalueAsset(uuid, self._amount(currency), currency)

    def fund_asset(self) -> Command:
        uuid = self._any("asset")
        return c.FundAsset(uuid, self._amount(self._log.asset(uuid).currency or "USD"), self._text())

    def reverse_funding(self) -> Command:
        if self._random.random() < 0.5:
            uuid = self._any("company")
            return c.ReverseFunding(self._position_of(f"company-{uuid}"), self._text(), company_uuid=uuid)
        uuid = self._any("asset")
        return c.ReverseFunding(self._position_of(f"asset-{uuid}"), self._text(), asset_uuid=uuid)

    def open_account(self) -> Command:
        company = self._any("company")
        return c.OpenFundingAccount(self._new("account"), company, self._text())

    def activate_account(self) -> Command:
        return c.ActivateFundingAccount(self._any("account"))

    def close_account(self) -> Command:
        return c.CloseFundingAccount(self._any("account"), self._text())

    def pay_out(self) -> Command:
        uuid = self._any("account")
        account = self._log.account(uuid)
        amount = self._amount(account.currency or "USD", 2_000)
        return c.PayOutFunds(uuid, account.balance if self._random.random() < 0.3 else amount, self._text())

    def return_payout(self) -> Command:
        position, stream, _ = self._random.choice(self._recorded(FundsPaidOut))
        return c.ReturnPayout(UUID(stream.partition("-")[2]), position, self._text())

    def _companies(self) -> tuple[DealCompany, ...]:
        return (DealCompany(self._any("company"), "seller"), DealCompany(self._any("company"), "debtor"))

    def create_deal(self) -> Command:
        companies = self._companies()
        return c.CreateDeal(self._new("deal"), self._random.randint(1, 3), companies)

    def create_membership(self) -> Command:
        company = DealCompany(self._any("company"), "member")
        return c.CreateDeal(self._new("deal"), 4, (company,), "gold")

    def update_deal(self) -> Command:
        uuid = self._any("deal")
        return c.UpdateDeal(uuid, self._log.deal(uuid).product_line_id, self._companies())

    def activate_deal(self) -> Command:
        return c.ActivateDeal(self._any("deal"))

    def delete_deal(self) -> Command:
        return c.DeleteDeal(self._any("deal"))

    def originate(self) -> Command:
        deal, asset = self._any("deal"), self._random.choice([None, self._any("asset")])
        currency = self._log.asset(asset).currency if asset else self._random.choice(CURRENCIES)
        due = (self._today or FIRST_DATE) + timedelta(days=self._random.randint(-95, 20))
        rate = Decimal(self._random.choice(["0.001", "0.00000001", "0", "1", "0.12345678"]))
        if self._extreme:
            due = self._random.choice([date(1900, 1, 1), date(2999, 12, 31), due, due])
        product = self._new("product")
        most = self._amount(currency or "USD", 5_000)
        return c.OriginateProduct(product, deal, most, due, rate, "debtor", self._text(), asset, None, currency)

    def pay(self) -> Command:
        uuid = self._any("product")
        product = self._log.product(uuid)
        owed = product.principal_outstanding + product.fees_outstanding
        whole = self._random.random() < 0.5
        return c.ApplyPayment(uuid, owed if whole else self._amount(product.currency or "USD", 3_000), self._text())

    def reverse_payment(self) -> Command:
        uuid = self._any("product")
        return c.ReversePayment(uuid, self._position_of(f"product-{uuid}"), self._text())

    def waive(self) -> Command:
        uuid = self._any("product")
        return c.WaiveLateFee(uuid, self._amount(self._log.product(uuid).currency or "USD", 10), self._text())

    def write_off(self) -> Command:
        return c.WriteOffProduct(self._any("product"), self._text())

    def correct(self) -> Command:
        kinds: dict[type, Callable[[UUID, int, str], Command]] = {
            LateFeeIncurred: c.ReverseLateFee,
            LateFeeWaived: c.ReverseWaiver,
            ProductWrittenOff: c.ReverseWriteOff,
            RecoveryRecorded: c.ReverseRecovery,
        }
        position, stream, event = self._random.choice(self._recorded(*kinds))
        return kinds[type(event)](UUID(stream.partition("-")[2]), position, self._text())

    def recover(self) -> Command:
        _, stream, event = self._random.choice(self._recorded(ProductWrittenOff))
        assert isinstance(event, ProductWrittenOff)
        return c.RecordRecovery(UUID(stream.partition("-")[2]), self._amount(event.currency, 500), self._text())

    def grant(self) -> Command:
        sources = [Source("company", self._any("company")), Source("asset", self._any("asset"))]
        account = self._any("account")
        owner = self._log.account(account).company_uuid or account
        first = self._random.sample(sources, self._random.randint(1, 2))
        state = self._log.company if first[0].from_type == "company" else self._log.asset
        currency = state(first[0].from_uuid).currency or "USD"
        destinations = [Destination(owner, account, self._amount(currency, 5_000)) for _ in range(2)]
        return c.GrantBalances(self._new("grant"), self._text(), tuple(first), tuple(destinations))

    def cycle(self) -> None:
        """Begin a business date; its fees are those that the process manager would record at its position."""
        days = self._random.choice([1, 1, 1, 7, 30])
        self._today = FIRST_DATE if self._today is None else self._today + timedelta(days=days)
        self._record(("system", SystemCycled(self._today)))
        overdue = [uuid for uuid in self._ids.get("product", []) if self._is_overdue(uuid, self._today)]
        fees = [(stream_id("product", uuid), self._fee(uuid, self._today)) for uuid in overdue]
        incurred = [fee for _, fee in fees if isinstance(fee, LateFeeIncurred)]
        totals = tuple(
            CurrencyTotal(currency, sum((fee.amount for fee in incurred if fee.currency == currency), Decimal(0)))
            for currency in sorted({fee.currency for fee in incurred})
        )
        counts = (len(fees), len(incurred), len(fees) - len(incurred), 0)
        self._pending.append([*fees, ("late_fees", LateFeesAssessed(self._today, *counts, totals))])
        if not self._fees_late or self._random.random() < 0.3:
            for pairs in self._pending:
                self._record(*pairs)
            self._pending.clear()

    def _is_overdue(self, uuid: UUID, today: date) -> bool:
        product = self._log.product(uuid)
        return product.due_date is not None and product.due_date < today and product.principal_outstanding > 0

    def _fee(self, uuid: UUID, today: date) -> LateFeeIncurred | LateFeeNotAssessed:
        product = self._log.product(uuid)
        assert product.due_date is not None
        assert product.currency is not None
        assert product.obligor_company_uuid is not None
        if product.asset_uuid is None:
            return LateFeeNotAssessed("no_asset", today)
        return LateFeeIncurred(
            amount=self._amount(product.currency, 50),
            currency=product.currency,
            fee_payer_company_uuid=product.obligor_company_uuid,
            business_date=today,
            incurred_at=datetime(2024, 1, 1, tzinfo=UTC),
            asset_uuid=product.asset_uuid,
            asset_value=self._log.asset(product.asset_uuid).value,
            daily_late_fee_rate=product.daily_late_fee_rate,
            days_overdue=(today - product.due_date).days,
        )

    def _record(self, *pairs: tuple[str, object]) -> None:
        self._log.recorded += pairs
        self.appends.append(pairs)


_ACTS: list[tuple[Callable[[History], Command | None], int]] = [
    (History.register_company, 3),
    (History.rename_company, 1),
    (History.fund_company, 5),
    (History.register_asset, 5),
    (History.revalue_asset, 1),
    (History.fund_asset, 5),
    (History.reverse_funding, 3),
    (History.open_account, 2),
    (History.activate_account, 3),
    (History.close_account, 3),
    (History.pay_out, 6),
    (History.return_payout, 3),
    (History.create_deal, 2),
    (History.create_membership, 1),
    (History.update_deal, 1),
    (History.activate_deal, 4),
    (History.delete_deal, 1),
    (History.originate, 10),
    (History.pay, 16),
    (History.reverse_payment, 12),
    (History.waive, 6),
    (History.write_off, 3),
    (History.correct, 6),
    (History.recover, 3),
    (History.grant, 16),
    (History.cycle, 4),
]
_DRAWN, _WEIGHTS = zip(*_ACTS, strict=True)
# What most commands need is there before chance begins.
_PRELUDE = [
    *[History.register_company] * 4,
    *[History.fund_company] * 3,
    *[History.register_asset] * 5,
    *[History.fund_asset] * 4,
    *[History.open_account] * 3,
    *[History.activate_account] * 6,
    *[History.create_deal] * 3,
    *[History.activate_deal] * 6,
    *[History.originate] * 3,
]


def record(appends: Sequence[Recorded]) -> None:
    """Append a history, or a part of it, to the log of the default database."""
    for append in appends:
        store.append([NewEvent(stream, event) for stream, event in append], Context("tester", "a history"))
