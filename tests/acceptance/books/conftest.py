"""A browser, and Books served over the replayed invoices, on which some money has moved afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser
from pytest_django.plugin import DjangoDbBlocker

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger import daily_cycle
from ledger.as_of import last_cycled
from ledger.rules.commands import FundCompany
from tests.acceptance.books import ledger_answers
from tests.acceptance.books.ledger_answers import PaidLate
from tests.support.browser import chromium
from tests.support.browser.visitor import Visitor
from tests.support.databases import Databases, connected_to
from tests.support.ledger.portfolio import do, new_account
from tests.support.ledger.replay import replayed
from tests.support.receivers.failing import failing
from tests.support.webserver import serving

PASSWORD: Final = "only-for-tests"
ADMINISTRATOR: Final = "ada"


@dataclass(frozen=True, slots=True)
class Books:
    """Books as they are served, with a customer that has an account and money.

    `before` is the date on which the customer had 15,000.00, and `head` the last event that was recorded by hand.
    """

    url: str
    funded: UUID
    account: UUID
    before: date
    head: int
    state: Path
    webhook: UUID


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return a running Chromium."""
    if chromium.program() is None:
        pytest.skip("no chromium")
    with chromium.browsing() as running, pytest.MonkeyPatch.context() as patch:
        # Playwright runs an event loop in this thread, in which Django refuses to use a database unless it is told.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield running


@pytest.fixture(scope="package")
def books(
    browser: Browser,
    databases: Databases,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Books]:
    """Serve Books, in which the administrator is logged in."""
    folder = tmp_path_factory.mktemp("books")
    with django_db_blocker.unblock():
        database = replayed(databases)
        with connected_to(database):
            funded, account, before = _move_money()
            webhook = failing(store.head().position)
            User.objects.create_user(ADMINISTRATOR, password=PASSWORD).groups.add(
                Group.objects.get(name="administrator")
            )
            environment = {**database.env, "DEBUG": "false", "HTTPS_ONLY": "false"}
            environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
            with serving(environment, folder) as server:
                _log_in(browser, server.url, folder / "state.json")
                yield Books(server.url, funded, account, before, store.head().position, folder / "state.json", webhook)
        databases.drop(database)


def _move_money() -> tuple[UUID, UUID, date]:
    """Give a customer an account, 15,000.00 on the last date of the replay, and 250.00 on the next one."""
    customer = next(store.read_all(types=["CompanyRegistered"])).uuid
    cycled = last_cycled(store.head().position)
    assert cycled is not None
    before: date = cycled.data.new_date
    do(FundCompany(customer, Decimal("15000.00"), "capital", "USD"))
    daily_cycle.cycle(before + timedelta(days=1))
    do(FundCompany(customer, Decimal("250.00"), "capital", "USD"))
    account = new_account(customer)
    catch_up()
    return customer, account, before


def _log_in(browser: Browser, url: str, state: Path) -> None:
    with Visitor(browser, url, None) as visitor:
        visitor.open()
        visitor.type("Name", ADMINISTRATOR)
        visitor.type("Password", PASSWORD)
        visitor.click("Log in", "button")
        visitor.page.context.storage_state(path=state)
        assert visitor.complaints == []


@pytest.fixture(scope="package")
def late(books: Books) -> PaidLate:
    """Return an invoice that owes fees, before it is paid."""
    return ledger_answers.paid_latest()


@pytest.fixture(scope="package")
def administrator(browser: Browser, books: Books) -> Iterator[Visitor]:
    """Return the administrator in a window of the browser: a new one for each test costs a second."""
    with Visitor(browser, books.url, books.state) as somebody:
        yield somebody


@pytest.fixture
def visitor(administrator: Visitor) -> Iterator[Visitor]:
    """Return the administrator, at `/books/`; the browser must have nothing to complain of."""
    administrator.complaints.clear()
    administrator.open()
    yield administrator
    assert administrator.complaints == []
