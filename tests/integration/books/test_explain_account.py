"""A line of the trial balance: opening, debits, credits and closing, by event type and by party, with a proof."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from eventstore import store
from eventstore.consumers.loop import catch_up
from projectors.explain.accounts import line, proof
from projectors.explain.accounts.choice import AccountChoice
from projectors.explain.accounts.line import AccountExplanation, explain_account
from projectors.explain.figures import Cut
from projectors.explain.journal import Choice, JournalRow, _ranges, journal_page, journal_rows
from projectors.explain.reports import trial_balances
from projectors.models import JournalLine
from projectors.queries.live import live
from tests.integration.books.conftest import Reader
from tests.support.databases import Database
from tests.support.ledger.book import Product
from tests.support.ledger.paid_late import DUE, PAID
from tests.support.ledger.random_histories import History, record


def of(account: str, cut: Cut | None = None, **chosen: object) -> AccountExplanation:
    choice = AccountChoice(account, "USD", **chosen)  # type: ignore[arg-type] # as the test names them
    found = explain_account(choice, cut or Cut(store.head().position))
    assert found is not None
    return found


def figures(explained: AccountExplanation) -> list[str]:
    return [f"{term.signed:f}" for term in explained.equation.terms] + [f"{explained.equation.total:f}"]


def test_opening_debits_and_credits_make_the_closing(invoice: Product) -> None:
    explained = of("fees_receivable", first=DUE + timedelta(days=2), last=PAID)
    assert figures(explained) == ["0.04", "0.08", "0.00", "0.12"]
    assert explained.sentence == (
        "It began with 0.04 USD, was debited 0.08 and credited 0.00, and so stands at 0.12 USD, debits less credits."
    )
    assert explained.by_event is not None
    assert [(group.name, group.lines, group.net) for group in explained.by_event] == [
        ("LateFeeIncurred", 2, Decimal("0.08"))
    ]
    assert explained.by_party is not None
    assert [(group.party_uuid, group.name) for group in explained.by_party] == [(invoice.uuid, "a product")]
    assert {way.amount for way in explained.proof.ways} == {Decimal("0.12")}
    assert explained.proof.is_complete


def test_a_late_fee_counts_for_its_date_as_known_now_and_not_as_known_then(invoice: Product) -> None:
    on = DUE + timedelta(days=2)
    ended = next(event.position for event in store.read_all(types=["SystemCycled"]) if event.data.new_date > on) - 1
    assert of("fees_receivable", Cut(store.head().position, on)).equation.total == Decimal("0.08")
    assert explain_account(AccountChoice("fees_receivable", "USD"), Cut(ended)) is None


def test_a_party_is_explained_by_the_events_of_its_stream(invoice: Product) -> None:
    explained = of("principal_receivable", party_uuid=invoice.uuid, first=PAID)
    assert figures(explained) == ["45.00", "0.00", "-45.00", "0.00"]
    assert [(way.name, way.amount) for way in explained.proof.ways] == [
        ("the lines of this party summed", Decimal("0.00")),
        ("the opening and the lines of the period added up", Decimal("0.00")),
        ("the events put into lines anew", Decimal("0.00")),
    ]


def test_a_line_that_differs_from_its_event_is_said(invoice: Product) -> None:
    lines = JournalLine.objects.filter(account="fees_receivable")
    lines.filter(pk=lines.first().pk).update(debit=5)  # type: ignore[union-attr] # it is there
    assert not of("fees_receivable").proof.agrees
    assert not of("fees_receivable", party_uuid=invoice.uuid).proof.agrees


def test_a_period_with_too_many_lines_is_not_grouped_and_one_with_too_many_events_not_put_anew(
    invoice: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "MOST_LINES", 2)
    monkeypatch.setattr(proof, "MOST_EVENTS", 2)
    explained = of("fees_receivable")
    assert explained.by_event is None
    assert explained.equation.total == Decimal("0.12")
    assert [way.amount is None for way in explained.proof.ways] == [False, True, True, False]
    assert explained.proof.agrees


def test_every_line_of_a_random_ledger_is_proved_for_every_period(database: Database) -> None:
    record(History(33, 250, fees_late=True).appends)
    catch_up()
    head = store.head().position
    days = [event.data.new_date for event in store.read_all(types=["SystemCycled"])]
    for until in (None, days[len(days) // 2]):
        for currency in trial_balances(Cut(head, until)):
            for account in currency.accounts:
                for first in (None, days[len(days) // 3]):
                    choice = AccountChoice(account.name, currency.currency, None, first)
                    explained = explain_account(choice, Cut(head, until))
                    assert explained is not None
                    assert explained.equation.total == account.net
                    assert sum(term.signed for term in explained.equation.terms) == account.net
                    assert [way.amount for way in explained.proof.ways] == [account.net] * 4, choice


def test_the_pages_of_the_journal_have_its_lines_and_totals_and_do_not_look_at_all_later_dates(
    database: Database,
) -> None:
    record(History(33, 250, fees_late=True).appends)
    catch_up("journal")
    head = store.head().position
    days = [event.data.new_date for event in store.read_all(types=["SystemCycled"])]
    late = live(JournalLine).filter(booking_date__gt=F("business_date")).order_by("position")
    until = late[len(late) // 2].business_date
    assert until is not None
    first = until - timedelta(days=5)
    for choice, cut in (
        (Choice(), Cut(head)),
        (Choice(), Cut(head, until)),
        (Choice(first=first, last=until), Cut(head)),
        (Choice(last=until, by="business"), Cut(head)),
        (Choice("late_fee_income", first=first, last=until, by="business"), Cut(head, days[-2])),
    ):
        shown: list[JournalRow] = []
        after: tuple[int, int] | None = None
        while rows := journal_page(choice, cut, after=after, limit=7).rows:
            shown += rows
            after = (rows[-1].position, rows[-1].line.line)
        every = list(journal_rows(choice, cut))
        assert [(row.place, row.running) for row in shown] == [(row.place, row.running) for row in every], choice
        assert every
    (_, ended), (above, through) = _ranges(Choice(), Cut(head, until))
    between = live(JournalLine).filter(position__gt=ended, position__lte=above)
    assert between.exists() or live(JournalLine).filter(position__gt=through).exists()


def test_the_page_and_its_csv_show_the_same_figures(reader: Reader, invoice: Product) -> None:
    page = reader.text("/books/trial-balance/fees_receivable/USD")
    assert "<h1>Fees receivable in USD</h1>" in page
    assert "4 independent ways agree" in page
    assert f"party={invoice.uuid}" in page
    assert "/books/trial-balance/fees_receivable/USD" in reader.text("/books/trial-balance")
    response = reader.get("/books/trial-balance/fees_receivable/USD", format="csv")
    text = b"".join(response.streaming_content).decode()
    assert f"party,a product,product,{invoice.uuid},3,0.12,0.00,0.12,USD" in text
    assert text.endswith("closing,,,,,,,0.12,USD,true\r\n")
    for path, status in (
        ("cash/USD", 404),
        ("fees_receivable/EUR", 404),
        ("fees_receivable/USD?party=x", 400),
        ("fees_receivable/USD?from=2012-03-14&to=2012-03-13", 400),
    ):
        assert reader.get(f"/books/trial-balance/{path}").status_code == status
