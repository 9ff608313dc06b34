"""Ten everyday questions, each answered by clicking; the answers are those of the log."""

import csv
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from eventstore import store
from eventstore.consumers import history
from eventstore.consumers.status import statuses
from ledger import states
from tests.acceptance.books import ledger_answers
from tests.acceptance.books.conftest import ADMINISTRATOR, Books
from tests.acceptance.books.ledger_answers import PaidLate
from tests.support.browser.reading import hindrances
from tests.support.browser.visitor import Visitor


def money(text: str) -> Decimal:
    """Return the amount that a text shows, without its separators and its currency."""
    return Decimal(re.sub(r"[^0-9.−+-]", "", text).replace("−", "-"))


def find(visitor: Visitor, reference: str) -> None:
    """Search for an invoice; if something else has the same name, choose the invoice."""
    visitor.search(reference)
    if "/find" in visitor.page.url:
        visitor.press(visitor.page.locator("main a[href*='/invoices/']").first)


def test_why_does_one_invoice_owe_more_than_its_amount(visitor: Visitor, late: PaidLate) -> None:
    find(visitor, late.reference)
    visitor.show_as_of(late.on.isoformat())
    terms = dict(zip(visitor.texts(".equation small"), map(money, visitor.texts(".equation b")), strict=True))
    assert late.owed > late.principal
    assert terms["principal"] == late.principal
    assert terms[f"{len(late.fees)} late fees"] == sum(fee.data.amount for fee in late.fees)
    assert terms["owed"] == late.owed
    rows = {row[-1].split()[0]: row for row in visitor.rows()}
    for fee in late.fees:
        shown = rows[str(fee.position)]
        assert shown[0].split()[0] == fee.data.business_date.isoformat()
        assert money(shown[2]) == fee.data.amount
        assert f"because of {fee.causation}" in shown[-1]
    proof = visitor.text(".proof")
    assert "agree, all at position" in proof
    assert proof.count(f"{late.owed:,}") == len(("the stream", "the journal"))
    visitor.assert_quick()


def test_which_customer_was_charged_most_late_fees(visitor: Visitor) -> None:
    visitor.click("Customers")
    visitor.click("fees charged")
    charged = ledger_answers.fees_by_customer()
    heads = visitor.texts("table.lines th")
    shown = {row[0]: money(row[heads.index("FEES CHARGED")]) for row in visitor.rows()}
    assert shown == {name: charged[name] for name in shown}
    assert next(iter(shown.values())) == max(charged.values())
    visitor.assert_quick()


def test_what_was_overdue_on_a_date_by_bucket_as_known_then_and_now(visitor: Visitor, late: PaidLate) -> None:
    visitor.click("Aging")
    visitor.show_as_of(late.on.isoformat())
    then = ledger_answers.by_bucket(late.on, known_then=True)
    now = ledger_answers.by_bucket(late.on, known_then=False)
    shown = {row[0]: row[1:] for row in visitor.rows()}
    assert {bucket for bucket, row in shown.items() if money(row[4])} == set(now)
    for bucket, (principal, fees, products) in now.items():
        known = then[bucket]
        figures = [money(text) for text in shown[bucket]]
        assert figures == [principal, known[1], fees, known[0] + known[1], principal + fees, products], bucket
    visitor.assert_quick()


def test_who_caused_an_event_and_what_did_it_cause(visitor: Visitor, late: PaidLate) -> None:
    fee = late.fees[0]
    assert fee.causation is not None
    visitor.search(str(fee.position))
    assert f"by {fee.actor}" in visitor.text(".facts")
    assert visitor.page.locator(".tree .is-this a").inner_text() == str(fee.position)
    visitor.press(visitor.page.locator(".tree a", has_text=str(fee.causation)).first)
    caused = [event.position for event in store.read_all() if event.causation == fee.causation]
    shown = [int(text) for text in visitor.texts(".tree .depth-1 a")]
    assert shown == caused[: len(shown)]
    assert fee.position in shown
    visitor.assert_quick()


def test_how_has_a_consumers_lag_been_in_the_last_hour(visitor: Visitor) -> None:
    visitor.click("Consumers")
    visitor.click("late fees")
    _, samples = history.lag_samples("late_fees", 1)
    title = visitor.page.locator("figure title").first.text_content() or ""
    most, unmeasured = (int(number.replace(",", "")) for number in re.findall("[0-9,]+", title))
    assert title == f"At most {most:,} events behind; {unmeasured} minutes were not measured."
    assert most == max(sample.lag_events for sample in samples)
    # The first minute of the hour is measured in part.
    assert 60 - unmeasured in {len(samples), len(samples) - 1}
    visitor.assert_quick()


def test_what_was_a_companys_balance_on_a_date(visitor: Visitor, books: Books) -> None:
    visitor.search(ledger_answers.name_of(books.funded))
    visitor.press(visitor.page.locator("main a", has_text="15,250.00 USD").first)
    assert visitor.text(".equation .is-sum").startswith("15,250.00 USD")
    visitor.show_as_of(books.before.isoformat())
    assert visitor.text(".equation .is-sum").startswith("15,000.00 USD")
    visitor.assert_quick()


def test_one_stream_as_a_time_line_with_states(visitor: Visitor, late: PaidLate) -> None:
    find(visitor, late.reference)
    visitor.press(visitor.page.locator(f"main a.uuid[title='product-{late.product_uuid}']"))
    events = list(store.read_stream(f"product-{late.product_uuid}"))
    assert [row[-1] for row in visitor.rows()] == [str(event.position) for event in events]
    after = visitor.page.locator("table.lines details").all()
    for event, details in zip(events, after, strict=True):
        fields = details.text_content() or ""
        state = states.state("product", late.product_uuid, event.position).state
        assert f"principal outstanding {state.principal_outstanding:,}" in fields
        assert f"fees outstanding {state.fees_outstanding:,}" in fields
    visitor.assert_quick()


def test_a_months_journal_as_csv(visitor: Visitor, late: PaidLate, tmp_path: Path) -> None:
    visitor.click("Journal")
    first, last = late.on.replace(day=1), late.on.replace(day=28)
    visitor.type("From", first.isoformat())
    visitor.type("To", last.isoformat())
    visitor.click("Filter", "button")
    file = tmp_path / "journal.csv"
    assert re.fullmatch(r"journal.*\.csv", visitor.download("CSV", file))
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert all(place < following for place, following in pairwise((int(r["position"]), int(r["line"])) for r in rows))
    booked = {
        event.position: event
        for event, day in ledger_answers.events_and_dates()
        if first <= day <= first.replace(day=28)
    }
    fees = sum(event.data.amount for event in booked.values() if event.type == "LateFeeIncurred")
    financed = sum(event.data.principal for event in booked.values() if event.type == "ProductOriginated")
    paid = sum(event.data.to_principal for event in booked.values() if event.type == "PaymentApplied")
    assert {int(row["position"]) for row in rows} <= set(booked)
    assert summed(rows, "fees_receivable") == fees
    assert summed(rows, "principal_receivable") == financed - paid
    assert sum(Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0) for row in rows) == 0
    visitor.assert_quick()


def summed(rows: list[dict[str, str]], account: str) -> Decimal:
    return sum(
        (Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0) for row in rows if row["account"] == account),
        Decimal(0),
    )


def test_a_consumer_is_paused_and_resumed(visitor: Visitor) -> None:
    for action, is_paused in (("Pause", True), ("Resume", False)):
        visitor.open()
        visitor.click("Consumers")
        visitor.click("late fees")
        visitor.type("Reason, kept with what you do", f"a test of {action}")
        visitor.click(action, "button")
        assert hindrances(visitor.page) == []
        visitor.click(action, "button")
        visitor.assert_quick()
        assert (state_of("late_fees") == "paused") is is_paused
        last = history.actions("late_fees")[0]
        assert (last.action, last.actor, last.reason) == (action.lower(), ADMINISTRATOR, f"a test of {action}")


def test_a_balance_is_granted_by_hand_after_a_preview(visitor: Visitor, books: Books) -> None:
    name, before, head = ledger_answers.name_of(books.funded), balance_of(books), store.head().position
    visitor.click("Record")
    visitor.click("Grant balances")
    for field, typed in (
        ("sources-0-from_uuid-find", name),
        ("destinations-0-to_company_account_uuid-find", name),
        ("destinations-0-amount", "200.00"),
        ("reference", "grant by hand"),
    ):
        visitor.page.locator(f"#f-{field}").fill(typed)
    visitor.click("Preview", "button")
    assert visitor.text(".sentence") == f"Grants 200.00 USD; leaves {before - 200:,} USD in {name}."
    shown = [row[-1] for row in visitor.rows("h2:has-text('Events') + table")]
    assert store.head().position == head
    assert hindrances(visitor.page) == []
    visitor.click("Record", "button")
    visitor.assert_quick()
    recorded = list(store.read_all(after=head))
    assert [event.type for event in recorded] == shown
    assert [row[0] for row in visitor.rows()] == [str(event.position) for event in recorded]
    assert {event.actor for event in recorded} == {ADMINISTRATOR}
    assert balance_of(books) == before - 200


def balance_of(books: Books) -> Decimal:
    amount: Decimal = states.company(books.funded).state.balance
    return amount


def state_of(consumer: str) -> str:
    return next(status.state for status in statuses() if status.name == consumer)
