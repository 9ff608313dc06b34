"""The ZIP of evidence: what is in it, that it is the same for ever, and who may have it."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.models import Checkpoint
from ledger.rules.commands import FundCompany, RegisterCompany, WaiveLateFee
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import DEBTOR, Product
from tests.support.ledger.paid_late import DUE, PAID
from tests.support.ledger.portfolio import do
from web.slots import Slot, SlotKind, slots


def fetched(reader: Reader, **parameters: str) -> tuple[bytes, Any]:
    """Return the bytes of a ZIP and its answer, after the redirect to its permanent address."""
    response = reader.get("/books/evidence", **parameters)
    if response.status_code == 302:
        response = reader.get(response["Location"])
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content), response


def opened(data: bytes) -> ZipFile:
    archive = ZipFile(io.BytesIO(data))
    for line in archive.read("SHA256SUMS").decode().splitlines():
        digest, _, name = line.partition("  ")
        assert sha256(archive.read(name)).hexdigest() == digest
    return archive


@pytest.fixture
def debtor(invoice: Product) -> None:
    do(RegisterCompany(DEBTOR, "Alder Stores"))
    do(FundCompany(DEBTOR, Decimal("70.00"), "deposit", "USD"))
    catch_up()


def test_the_evidence_of_a_product_has_its_page_its_rows_its_lines_and_its_events(
    reader: Reader, invoice: Product
) -> None:
    data, response = fetched(reader, product=str(invoice.uuid))
    head = store.head().position
    assert "evidence-Invoice-a-product-" in response["Content-Disposition"]
    assert response["Content-Disposition"].endswith(f'-as-of-{head}.zip"')
    archive = opened(data)
    page = archive.read("invoice.html").decode()
    assert "<b>0.12 USD</b>" in page
    assert "It owes 0.12 USD because it was paid on 2012-03-15" in page
    assert "2 independent ways agree" in page
    assert "/books/" not in page
    assert "<script" not in page
    assert 'href="styles/books.css"' in page
    assert b".equation" in archive.read("styles/books.css")
    assert json.loads(archive.read("explanation.json"))["total"] == "0.12"
    rows = list(csv.DictReader(io.StringIO(archive.read("rows.csv").decode())))
    assert [row["owed_after"] for row in rows] == ["45.00", "45.04", "45.08", "45.12", "0.12"]
    lines = list(csv.DictReader(io.StringIO(archive.read("journal.csv").decode())))
    assert {line["account"] for line in lines} >= {"principal_receivable", "fees_receivable", "late_fee_income"}
    events = [json.loads(line) for line in archive.read("events.jsonl").decode().splitlines()]
    assert [event["position"] for event in events] == sorted({event["position"] for event in events})
    assert {event["type"] for event in events} == {
        "AssetRegistered",
        "ProductOriginated",
        "PaymentApplied",
        "LateFeeIncurred",
        "SystemCycled",
    }
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["as_of"] == str(head)
    assert f"as_of={head}" in archive.read("README.txt").decode()


@pytest.mark.parametrize("moment", [{}, {"as_of": str(PAID + timedelta(days=1))}], ids=["a position", "a date"])
def test_the_same_address_gives_the_same_bytes_after_more_is_recorded(
    reader: Reader, invoice: Product, debtor: None, moment: dict[str, str]
) -> None:
    period = {"from": str(DUE), "to": str(PAID)}
    for asked in ({"product": str(invoice.uuid)}, {"customer": str(DEBTOR)}, period):
        address = reader.get("/books/evidence", **asked, **moment)["Location"]
        before = b"".join(reader.get(address).streaming_content)
        do(WaiveLateFee(invoice.uuid, Decimal("0.01"), "goodwill"))
        do(FundCompany(DEBTOR, Decimal("1.00"), "more", "USD"))
        catch_up()
        assert b"".join(reader.get(address).streaming_content) == before


def test_the_evidence_of_a_customer_has_its_invoices(reader: Reader, invoice: Product, debtor: None) -> None:
    archive = opened(fetched(reader, customer=str(DEBTOR))[0])
    assert "Alder Stores" in archive.read("customer.html").decode()
    assert "70.00 was received in one event" in archive.read("balance.html").decode()
    [row] = csv.DictReader(io.StringIO(archive.read("invoices.csv").decode()))
    assert (row["reference"], row["late_fees"], row["owed"]) == ("a product", "0.12", "0.12")
    assert 'href="../styles/books.css"' in archive.read(f"invoices/{invoice.uuid}.html").decode()
    types = [json.loads(line)["type"] for line in archive.read("events.jsonl").decode().splitlines()]
    assert types[:3] == ["CompanyRegistered", "CompanyFunded", "ProductOriginated"]


def test_the_evidence_of_a_period_has_what_was_booked_in_it(reader: Reader, invoice: Product) -> None:
    archive = opened(fetched(reader, **{"from": str(PAID), "to": str(PAID)})[0])
    sums = {row["account"]: row for row in csv.DictReader(io.StringIO(archive.read("trial-balance.csv").decode()))}
    assert [sums["principal_receivable"][name] for name in ("opening", "debits", "credits", "closing")] == [
        "45.00",
        "0.00",
        "45.00",
        "0.00",
    ]
    lines = list(csv.DictReader(io.StringIO(archive.read("journal.csv").decode())))
    assert {line["event_type"] for line in lines} == {"PaymentApplied"}
    types = [json.loads(line)["type"] for line in archive.read("events.jsonl").decode().splitlines()]
    assert types == ["PaymentApplied", "SystemCycled"]  # the cycle of the next date is booked on this one
    assert "Trial balance" in archive.read("period.html").decode()


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"product": "x"}, 400),
        ({"product": str(uuid4())}, 404),
        ({"customer": str(uuid4())}, 404),
        ({"from": "2012-03-13"}, 400),
        ({"from": "2012-03-14", "to": "2012-03-13"}, 400),
        ({"from": "2012-03-14", "to": "2030-01-01"}, 400),
        ({"product": str(uuid4()), "customer": str(uuid4())}, 400),
    ],
)
def test_evidence_that_cannot_be_is_refused(
    reader: Reader, invoice: Product, parameters: dict[str, str], status: int
) -> None:
    assert reader.get("/books/evidence", **parameters, as_of=str(store.head().position)).status_code == status


def test_read_models_that_are_behind_are_waited_for(reader: Reader, invoice: Product) -> None:
    Checkpoint.objects.filter(name="journal").update(position=3)
    response = reader.get("/books/evidence", product=str(invoice.uuid), as_of=str(store.head().position))
    assert response.status_code == 503
    assert "have not reached" in response.content.decode()


@pytest.mark.one_database
def test_only_who_may_read_the_ledger_has_evidence_and_not_more_at_once_than_there_is_room_for(
    reader: Reader, invoice: Product
) -> None:
    address = f"/books/evidence?product={invoice.uuid}&as_of={store.head().position}"
    assert Reader(None).get(address).status_code == 302
    assert Reader(User.objects.create_user("nobody")).get(address).status_code == 403
    taken: list[Slot] = []
    auditor = User.objects.get(username="auditor").pk
    while (slot := slots.take(auditor, 30, SlotKind.FOLDING)) is not None:
        taken.append(slot)
    try:
        assert reader.get(address).status_code == 429
    finally:
        for slot in taken:
            slot.give_back()
    for _ in range(5):
        reader.get(address).close()
    assert reader.get(address).status_code == 200


@pytest.mark.one_database
def test_the_pages_lead_to_evidence(reader: Reader, invoice: Product, debtor: None) -> None:
    assert f"/books/evidence?product={invoice.uuid}" in reader.text(f"/books/invoices/{invoice.uuid}")
    assert f"/books/evidence?customer={DEBTOR}" in reader.text(f"/books/customers/{DEBTOR}")
    assert "Booked from" in reader.text("/books/evidence")


@pytest.mark.one_database
def test_a_period_does_not_end_after_the_date_of_its_moment(reader: Reader, invoice: Product) -> None:
    moment = {"as_of": "2012-03-13", "known": str(store.head().position)}
    refused = reader.get("/books/evidence", **moment, **{"from": "2012-03-12", "to": "2012-03-14"})
    assert refused.status_code == 400
    assert "after the date of the moment" in refused.content.decode()
