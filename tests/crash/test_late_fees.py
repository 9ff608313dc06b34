"""Each fee is charged once, even if late_fees is killed during a cycle or several copies of it run."""

import random
import time
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from eventstore.consumers.runner import Step
from tests.crash.dying import dies_at
from tests.support.databases import Database
from tests.support.ledger.book import Book, assessed, charged, late_fees, run_late_fees
from tests.support.patience import wait_until
from tests.support.processes import StartManage
from tests.support.rounds import PROVES

DUE = date(2024, 3, 1)
POINTS = range(1, 71, 1 if PROVES else 3)
"""At which statements late_fees is killed, before and after in turn: at each third, in `make prove` at each."""


def is_further_than(before: int) -> bool:
    return len(charged()) > before or bool(assessed())


def days(count: int) -> list[date]:
    return [DUE + timedelta(days=number) for number in range(1, count + 1)]


def test_late_fees_killed_before_and_after_statements_loses_and_duplicates_nothing(database: Database) -> None:
    run_late_fees()
    book = Book()
    products = [book.invoice(DUE) for _ in range(8)]
    cycled, deaths = 0, 0
    for point in POINTS:
        if len(assessed()) == cycled:
            cycled += 1
            book.cycle(DUE + timedelta(days=cycled))
        deaths += dies_at(point, lambda: run_late_fees(batch_size=3))
    assert deaths > len(POINTS) // 2
    run_late_fees()
    assert charged() == sorted((product.uuid, day, Decimal("1.00")) for product in products for day in days(cycled))
    assert [event.incurred for event in assessed().values()] == [8] * cycled
    assert list(assessed()) == days(cycled)


def test_two_copies_that_alternate_after_each_chunk_charge_each_product_once(database: Database) -> None:
    run_late_fees()
    book = Book()
    products = [book.invoice(DUE) for _ in range(10)]
    for day in days(2):
        book.cycle(day)
    copies = [late_fees(batch_size=1) for _ in range(2)]
    chance = random.Random(3)
    for _ in range(300):
        chance.choice(copies).step()
    assert all(copy.step() is Step.IDLE for copy in copies)
    assert charged() == sorted((product.uuid, day, Decimal("1.00")) for product in products for day in days(2))


def test_two_copies_killed_repeatedly_in_a_large_cycle_charge_each_product_once(
    database: Database, start_manage: StartManage
) -> None:
    run_late_fees()
    book = Book()
    products = book.invoices(2000, DUE)
    position = book.cycle(DUE + timedelta(days=1))
    for product in products[::2]:
        book.pay(product)
    assert position
    command = ("run_processmanager", "late_fees", "--batch-size", "20")
    chance = random.Random(9)
    kills = 0
    while not assessed() and kills < 4:
        copies = [start_manage(*command) for _ in range(2)]
        wait_until(partial(is_further_than, len(charged())), every=0.005)
        time.sleep(chance.uniform(0, 0.05))
        for copy in copies:
            copy.kill_group()
        kills += 1
    assert kills > 1
    run_late_fees()
    assert charged() == sorted((product.uuid, DUE + timedelta(days=1), Decimal("1.00")) for product in products)
    assert assessed()[DUE + timedelta(days=1)].overdue == len(products)
