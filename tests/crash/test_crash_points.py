"""What Daybook does is the same after a kill at any statement; a handler for which that is not so is found."""

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from eventstore import home
from eventstore.consumers.loop import catch_up
from eventstore.consumers.rebuild import delete_garbage, rebuild_runner, run
from eventstore.errors import CannotImport, NotCrashProof, OperationRefused
from eventstore.moving.importing import import_log
from eventstore.proving.copies import copied
from eventstore.proving.crash_points import prove
from eventstore.records import IdempotencyKey
from eventstore.runtime.shutdown import Stop
from ledger.daily_cycle import cycle
from ledger.grant import grant_balances
from ledger.rules.commands import Destination, Source
from tests.support.consumers.moving import exported
from tests.support.counting import count
from tests.support.databases import Database, connected_as, forget
from tests.support.documents import pages
from tests.support.documents.pages import PROVED
from tests.support.ledger.book import Book, run_late_fees
from tests.support.ledger.importer import ROWS, Importer
from tests.support.ledger.invoices import content
from tests.support.ledger.portfolio import new_account, new_company
from tests.support.ledger.sealing import days, seal, sealing
from tests.support.postgres.roles import SUPERUSER
from tests.support.rounds import FACTOR

DUE = date(2024, 3, 1)


@pytest.fixture(autouse=True)
def _as_superuser(database: Database) -> Iterator[None]:
    """Connect as a role that may copy the database."""
    assert database.url
    with connected_as(SUPERUSER):
        yield


def prepared_for_late_fees() -> Callable[[], object]:
    run_late_fees()
    book = Book()
    for _ in range(3):
        book.invoice(DUE)
    book.cycle(DUE + timedelta(days=1))
    return lambda: run_late_fees(batch_size=2)


def prepared_for_projectors() -> Callable[[], object]:
    prepared_for_late_fees()()
    return catch_up


def prepared_for_a_seal() -> Callable[[], object]:
    days(2)
    return lambda: seal(chunk=4)


def prepared_for_a_rebuild() -> Callable[[], object]:
    prepared_for_projectors()()

    def rebuild() -> None:
        runner, stop = rebuild_runner("balances"), Stop()
        runner.begin("balances", actor="tests")
        run(runner, stop, lambda *_: None, lambda _: None)
        delete_garbage(runner.group, stop)

    return rebuild


def prepared_for_a_grant() -> Callable[[], object]:
    company = new_company("50.00")
    account = new_account(company)
    uuid = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    sources, destinations = [Source("company", company)], [Destination(company, account, Decimal(20))]

    def grant() -> None:
        key = IdempotencyKey("tests", "one grant", "f")
        grant_balances("a grant", sources, destinations, actor="tests", currency="USD", grant_uuid=uuid, key=key)

    return grant


def prepared_for_a_cycle() -> Callable[[], object]:
    cycle(DUE)
    return lambda: cycle(DUE + timedelta(days=3))


def prepared_for_an_import() -> Callable[[], object]:
    importer = Importer(Path(tempfile.mkdtemp()) / "invoices.csv")
    importer.path.write_text(content(list(ROWS)))
    return importer.run


def prepared_for_an_import_of_a_log() -> Callable[[], object]:
    with copied("default"):
        prepared_for_a_grant()()
        content = exported()
    forget()

    def import_and_adopt() -> None:
        with suppress(CannotImport):  # it was imported before the kill
            import_log(io.BytesIO(content), lambda _done, _total: None)
        with suppress(OperationRefused):  # it was adopted before the kill
            home.adopt(actor="tests", reason="it has moved")

    return import_and_adopt


PREPARED = {
    "late fees": (prepared_for_late_fees, 29),
    "a seal": (prepared_for_a_seal, 11),
    "every projector": (prepared_for_projectors, 61),
    "a rebuild": (prepared_for_a_rebuild, 23),
    "a grant with a key": (prepared_for_a_grant, 3),
    "a daily cycle": (prepared_for_a_cycle, 5),
    "an import": (prepared_for_an_import, 71),
    "an import of a log": (prepared_for_an_import_of_a_log, 7),
}
"""How each work is prepared, and after which share of its statements it is killed in `make test`; else after each."""


@pytest.mark.parametrize("name", PREPARED)
def test_work_that_is_killed_and_runs_again_ends_as_if_undisturbed(name: str, settings: Settings) -> None:
    prepare, share = PREPARED[name]
    with sealing(settings) if prepare is prepared_for_a_seal else nullcontext():
        kills = prove(prepare(), every=1 if FACTOR > 1 else share)
    assert kills >= 1
    count("kills", {name: kills})


def test_the_wrong_handler_of_the_page_is_found_and_the_mended_one_is_not() -> None:
    wrong, proof, mended = (block.text for block in pages.blocks(*PROVED))
    names: dict[str, Any] = {}
    exec(wrong, names)  # noqa: S102 - the code of the page
    with pytest.raises(NotCrashProof, match=r"and run again: events: no further row instead of \(2, .*CompanyFunded"):
        exec(proof, names)  # noqa: S102 - as above
    exec(mended, names)  # noqa: S102 - as above
    assert prove(names["open_company"], every=1 if FACTOR > 1 else 3) >= 1
