"""Builders of test data: each call executes commands through the service layer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from django.db import connection, connections

from eventstore.records import Appended
from ledger import handlers
from ledger.rules.commands import (
    ActivateDeal,
    ActivateFundingAccount,
    Command,
    CreateDeal,
    FundAsset,
    FundCompany,
    OpenFundingAccount,
    OriginateProduct,
    RegisterAsset,
    RegisterCompany,
)
from ledger.rules.events import DealCompany
from tests.support.patience import PATIENCE_S

T = TypeVar("T")

DUE: Final = date(2026, 3, 1)


def do(command: Command, **how: Any) -> Appended:
    """Execute a command as the tests' actor."""
    return handlers.execute(command, actor="tester", **how)


def new_company(balance: str | None = None) -> UUID:
    """Register a company, with money if a balance is given."""
    uuid = uuid4()
    do(RegisterCompany(uuid, f"Company {uuid}"))
    if balance is not None:
        do(FundCompany(uuid, Decimal(balance), "capital", "USD"))
    return uuid


def new_account(company_uuid: UUID, *, active: bool = True) -> UUID:
    """Open a funding account."""
    uuid = uuid4()
    do(OpenFundingAccount(uuid, company_uuid, "operating"))
    if active:
        do(ActivateFundingAccount(uuid))
    return uuid


def new_asset(value: str = "1000.00", balance: str | None = None) -> UUID:
    """Register an asset between two new companies, with cash collected if a balance is given."""
    uuid = uuid4()
    do(RegisterAsset(uuid, Decimal(value), new_company(), new_company(), "invoice", "USD"))
    if balance is not None:
        do(FundAsset(uuid, Decimal(balance), "collected"))
    return uuid


def new_deal(*, active: bool = True, line: int = 1, tier: str | None = None, company_uuid: UUID | None = None) -> UUID:
    """Create a deal with one company, a debtor."""
    uuid = uuid4()
    do(CreateDeal(uuid, line, (DealCompany(company_uuid or new_company(), "debtor"),), tier))
    if active:
        do(ActivateDeal(uuid))
    return uuid


def origination(deal_uuid: UUID, asset_uuid: UUID | None = None, principal: str = "100.00") -> OriginateProduct:
    """Return a command that originates a product under a deal."""
    return OriginateProduct(
        uuid4(), deal_uuid, Decimal(principal), DUE, Decimal("0.001"), "debtor", "product", asset_uuid, None, "USD"
    )


def new_product(asset_uuid: UUID | None = None, principal: str = "100.00", *, company_uuid: UUID | None = None) -> UUID:
    """Originate a product under a new deal, of a given company or of a new one."""
    command = origination(new_deal(company_uuid=company_uuid), asset_uuid, principal)
    do(command)
    return command.product_uuid


def together(*functions: Callable[[], T]) -> list[T | Exception]:
    """Run functions at the same time, each in its own thread; return what each returned or raised."""
    start = Barrier(len(functions))
    results: list[T | Exception] = [RuntimeError("the thread did not end")] * len(functions)

    def run(index: int) -> None:
        start.wait()
        try:
            results[index] = functions[index]()
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            results[index] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(index,)) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE_S)
    return results


class Interference:
    """Lets another thread act after each read of a stream by this thread, and waits for it unless it is blocked."""

    def __init__(self, stream: str, act: Callable[[], object], times: int) -> None:
        self.reads = 0
        self._stream, self._act, self._times = stream, act, times
        self._threads: list[Thread] = []
        self.errors: list[Exception] = []

    def __call__(self, execute: Callable[..., T], sql: str, params: Any, many: bool, context: Any) -> T:
        """Execute the query, then let the other thread act; Django's execute_wrapper calls this."""
        result = execute(sql, params, many, context)
        if " payload," in sql and isinstance(params, list | tuple) and self._stream in str(params):
            self.reads += 1
            if self.reads <= self._times:
                self._interfere()
        return result

    def _interfere(self) -> None:
        thread = Thread(target=self._run)
        self._threads.append(thread)
        thread.start()
        # While this thread holds the append lock, the other one cannot append: a long wait is useless.
        thread.join(timeout=0.5 if connection.in_atomic_block else PATIENCE_S)

    def _run(self) -> None:
        try:
            self._act()
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            self.errors.append(error)
        finally:
            connections.close_all()

    def finish(self) -> None:
        """Wait for the threads that were blocked."""
        for thread in self._threads:
            thread.join(timeout=PATIENCE_S)


@contextmanager
def interfering(stream: str, act: Callable[[], object], times: int = 1) -> Iterator[Interference]:
    """Run `act` in another thread each time after this thread has read the stream, at most `times` times."""
    interference = Interference(stream, act, times)
    with connection.execute_wrapper(interference):
        yield interference
    interference.finish()
