"""Commands that people record by hand: a form, a preview that is what is recorded, and one record of each form."""

from decimal import Decimal
from html import unescape
from typing import Any
from uuid import uuid4

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.errors import OutcomeUnknown
from ledger.names import COMMANDS
from ledger.rules.commands import ApplyPayment, FundCompany
from ledger.rules.refusals.base import Refusal
from projectors.explain.event import journal_lines
from tests.integration.books.acting import Form, hidden, member, typed
from tests.integration.books.conftest import Reader
from tests.support.api.bodies import GOOD, funded_account
from tests.support.api.refused import REFUSED
from tests.support.databases import Database
from tests.support.ledger.book import Product
from tests.support.ledger.paid_late import PAID
from tests.support.ledger.portfolio import do, new_account, new_company, new_deal, new_product
from web.api import commands
from web.books.acting import views
from web.books.acting.catalog import LABELS, SECTIONS
from web.books.acting.faults import IN_BOOKS
from web.books.acting.submitted import leaves


@pytest.fixture
def treasurer(database: Database) -> Reader:
    return member("treasurer")


@pytest.fixture
def administrator(database: Database) -> Reader:
    return member("administrator")


def recorded(response: object) -> str:
    """Return where a record leads to."""
    assert getattr(response, "status_code", 0) == 302, getattr(response, "content", b"").decode()
    return str(response["Location"])  # type: ignore[index] # a response has headers


@pytest.mark.one_database
def test_every_command_has_a_title_and_every_field_a_label() -> None:
    assert {name for names in SECTIONS.values() for name in names} == set(COMMANDS)
    assert {leaf for name in COMMANDS for _, leaf, _ in leaves(name)} <= set(LABELS)


def test_what_is_recorded_is_what_the_preview_showed(administrator: Reader) -> None:
    lines = []
    for name, (make, types) in GOOD.items():
        form, fields = Form(administrator, name), typed(name, make())
        head = store.head().position
        page = form.preview(fields)
        assert store.head().position == head, name
        assert [f"<code>{event_type}</code>" in page for event_type in types] == [True] * len(types), name
        last = head + page.count("<code>")
        assert recorded(form.record(page)) == f"/books/recorded/{head + 1}/{last}", name
        events = list(store.read_all(after=head))
        assert [event.type for event in events][: len(types)] == types, name
        assert {(event.actor, event.metadata["actor_id"]) for event in events} == {
            ("administrator", administrator.user_id)
        }
        shown = page.partition("Lines that the journal would have")[2].count("<tr>") - 1
        lines.append((name, [event.position for event in events], max(shown, 0)))
    catch_up("journal")
    for name, positions, shown in lines:
        assert sum(len(list(journal_lines(position))) for position in positions) == shown, name


REMEDIES = {refusal.slug: refusal.remedy for family in Refusal.__subclasses__() for refusal in family.__subclasses__()}
"""The remedies of all refusals, by slug."""


@pytest.mark.one_database
def test_a_refusal_is_shown_with_its_sentence_and_remedy_and_records_nothing(administrator: Reader) -> None:
    for slug in sorted(set(REFUSED) - {"already-exists"}):  # the server names what a form creates
        case = REFUSED[slug]()
        head = store.head().position
        page = Form(administrator, case.command).preview(typed(case.command, case.body))
        assert "is-refused" in page or 'class="banner"' in page, slug
        assert IN_BOOKS[slug][0] in page if slug in IN_BOOKS else REMEDIES[slug] in page, slug
        assert "/api/" not in page, slug
        assert store.head().position == head, slug


def test_a_form_records_once_however_often_it_is_sent(treasurer: Reader) -> None:
    company = new_company("100.00")
    form = Form(treasurer, "fund-company")
    fields = {"company_uuid": str(company), "amount": "250.00", "reference": "wire 7"}
    page = form.preview(fields)
    assert "Adds 250.00 USD to the balance of the company; leaves 350.00 USD in Company" in page
    to = recorded(form.record(page))
    head = store.head().position
    assert recorded(form.record(page)) == f"{to}?again=yes"
    # The way back leads to the preview, which the browser asks for again; the way before it to the form.
    again = treasurer.post(form.path, step="preview", form=form.id, **fields)
    assert recorded(again) == f"{to}?again=yes"
    changed = treasurer.post(form.path, step="preview", form=form.id, **fields | {"amount": "9.00"})
    assert recorded(changed) == f"{to}?again=yes"
    assert store.head().position == head
    catch_up()
    assert "This form has recorded already" in treasurer.text(to, again="yes")
    assert Form(treasurer, "fund-company").preview(fields).count("leaves 600.00 USD") == 1


def test_a_stream_that_moved_on_leads_to_a_new_preview_that_says_what_changed(treasurer: Reader) -> None:
    product = new_product(principal="100.00")
    form = Form(treasurer, "apply-payment")
    page = form.preview({"product_uuid": str(product), "amount": "60.00", "reference": "wire 9"})
    assert "leaves 40.00 USD owed" in page
    do(ApplyPayment(product, Decimal("10.00"), "wire 8"))
    head = store.head().position
    response = form.record(page)
    assert response.status_code == 200
    second = unescape(response.content.decode())
    assert "Nothing was recorded, because something has changed since the preview" in second
    assert f">{head}</a> <b>product</b>: Payment received" in second
    assert "leaves 30.00 USD owed" in second
    assert store.head().position == head
    do(ApplyPayment(product, Decimal("50.00"), "wire 10"))
    refused = form.record(second)
    assert refused.status_code == 200
    assert "exceeds what is outstanding by 20.00 USD" in refused.content.decode()
    assert "wire 10" in refused.content.decode()
    assert store.head().position == head + 1


@pytest.mark.one_database
def test_a_preview_cannot_be_changed_and_is_its_readers_own(treasurer: Reader, administrator: Reader) -> None:
    form = Form(treasurer, "fund-company")
    page = form.preview({"company_uuid": str(new_company("1.00")), "amount": "2.00", "reference": "wire"})
    head, ticket = store.head().position, hidden(page, "ticket")
    for reader, path, sent in (
        (treasurer, form.path, f"x{ticket}"),
        (treasurer, form.path, ""),
        (administrator, form.path, ticket),
        (treasurer, "/books/do/pay-out-funds", ticket),
    ):
        response = reader.post(path, step="record", ticket=sent)
        assert response.status_code == 400
        assert "Nothing was recorded" in response.content.decode()
    assert store.head().position == head


def test_things_are_picked_by_name(treasurer: Reader) -> None:
    company = new_company("250.00")
    account = new_account(company)
    catch_up()
    name = f"Company {company}"
    page = Form(treasurer, "grant-balances").preview(
        {
            "reference": "grant 7",
            "sources-0-from_uuid-find": name,
            "destinations-3-to_company_account_uuid-find": name,
            "destinations-3-amount": "200",
        }
    )
    assert f"Grants 200.00 USD; leaves 50.00 USD in {name}." in page
    assert "<code>FundsCredited</code>" in page
    found = treasurer.post("/books/do/close-funding-account", **{"step": "find", "account_uuid-find": name})
    assert f'value="{account}" checked' in found.content.decode()


def test_a_name_of_several_things_is_chosen_among_them_and_a_name_of_none_is_refused(treasurer: Reader) -> None:
    companies = [new_company() for _ in range(2)]
    catch_up()
    form = Form(treasurer, "fund-company")
    page = form.preview({"company_uuid-find": "company", "amount": "5.00", "reference": "x", "currency": "USD"})
    assert "Several are named so" in page
    assert all(f'value="{company}"' in page for company in companies)
    page = form.preview({"company_uuid-find": "nobody", "amount": "5.00", "reference": "x"})
    assert "No company is found by that." in page


@pytest.mark.one_database
def test_a_reversal_offers_the_events_that_can_be_reversed(treasurer: Reader) -> None:
    company = new_company()
    first, second = (do(FundCompany(company, Decimal(amount), f"wire {amount}", "USD")).position for amount in "57")
    page = treasurer.text("/books/do/reverse-funding", company_uuid=str(company))
    assert f'value="{first}"' in page
    assert f'value="{second}"' in page
    page = treasurer.text("/books/do/reverse-funding", position=str(second))
    assert f'value="{company}" checked' in page
    assert f'value="{second}" checked' in page


@pytest.mark.one_database
def test_an_amount_is_typed_with_a_point_and_refused_with_the_rule(treasurer: Reader) -> None:
    form = Form(treasurer, "pay-out-funds")
    fields = {"account_uuid": str(funded_account("40.00")), "reference": "wire"}
    for amount, sentence in (
        ("1,000.00", "It must be a plain decimal number such as 1250.00."),
        ("1.234", "its currency has 2 digits after the point"),
        ("", "It is required."),
        ("41.00", "41.00 USD requested, 40.00 USD available."),
    ):
        assert sentence in form.preview({**fields, "amount": amount})


@pytest.mark.one_database
def test_pages_lead_to_the_forms_that_a_reader_wants_there(treasurer: Reader, reader: Reader, invoice: Product) -> None:
    page = treasurer.text(f"/books/invoices/{invoice.uuid}")
    for name in ("apply-payment", "waive-late-fee", "write-off-product"):
        assert f'href="/books/do/{name}?product_uuid={invoice.uuid}"' in page
    assert "record-recovery" not in page
    assert "/books/do/" not in reader.text(f"/books/invoices/{invoice.uuid}")
    assert "/books/do/" not in treasurer.text(f"/books/invoices/{invoice.uuid}", as_of="5")
    paid = next(store.read_all(types=["PaymentApplied"])).position
    assert f'href="/books/do/reverse-payment?position={paid}"' in treasurer.text(f"/books/log/{paid}")
    assert f"event {paid}, {PAID}: " in treasurer.text("/books/do/reverse-payment", position=str(paid))
    balance = treasurer.text(f"/books/balances/asset/{invoice.asset_uuid}")
    assert f'href="/books/do/grant-balances?sources-0-from_uuid=asset-{invoice.asset_uuid}"' in balance
    form = treasurer.text("/books/do/grant-balances", **{"sources-0-from_uuid": f"asset-{invoice.asset_uuid}"})
    assert f'value="asset-{invoice.asset_uuid}" checked' in form


@pytest.mark.one_database
def test_the_form_that_changes_a_deal_holds_its_terms_and_another_row_is_empty(administrator: Reader) -> None:
    company = new_company()
    deal = new_deal(company_uuid=company)
    page = administrator.text("/books/do/update-deal", deal_uuid=str(deal))
    assert f'name="companies-0-company_uuid" value="{company}" checked' in page
    assert 'name="companies-0-role" value="debtor"' in page
    assert '<option value="1" selected>' in page
    more = administrator.post(
        "/books/do/update-deal", **{"step": "more", "companies-0-role": "debtor", "deal_uuid": str(deal)}
    ).content.decode()
    assert 'name="companies-1-role" value=""' in more
    fewer = administrator.post(
        "/books/do/update-deal",
        **{"remove": "companies-0", "companies-0-role": "debtor", "companies-1-role": "seller"},
    ).content.decode()
    assert 'name="companies-0-role" value="seller"' in fewer
    assert "companies-1-role" not in fewer


@pytest.mark.one_database
def test_change_leads_back_to_the_form_as_it_was_filled_in(treasurer: Reader) -> None:
    form = Form(treasurer, "fund-company")
    page = form.preview({"company_uuid": str(new_company("1.00")), "amount": "2.00", "reference": "wire & co"})
    back = treasurer.post(form.path, step="change", ticket=hidden(page, "ticket")).content.decode()
    assert 'value="wire &amp; co"' in back
    assert hidden(back, "form") == form.id


@pytest.mark.one_database
def test_what_was_recorded_is_shown_and_which_read_models_are_behind(treasurer: Reader) -> None:
    catch_up()
    form = Form(treasurer, "fund-company")
    page = form.preview({"company_uuid": str(new_company("1.00")), "amount": "2.00", "reference": "wire"})
    to = recorded(form.record(page))
    behind = treasurer.text(to)
    assert "These read models do not show them yet" in behind
    assert "journal" in behind
    catch_up()
    assert "do not show them yet" not in treasurer.text(to)
    for place in ("1/3", "9/999", "0/1", "2/1", f"{10**30}/1", f"1/{10**30}"):
        assert treasurer.get(f"/books/recorded/{place}").status_code == 404


def test_a_lost_connection_leads_to_a_page_that_records_the_same_form_once_more(
    treasurer: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = Form(treasurer, "fund-company")
    page = form.preview({"company_uuid": str(new_company("1.00")), "amount": "2.00", "reference": "wire"})
    really = commands.record

    def recorded_and_lost(*command: Any, **context: Any) -> None:
        really(*command, **context)
        raise OutcomeUnknown("0f")

    monkeypatch.setattr(views, "record_command", recorded_and_lost)
    lost = form.record(page)
    monkeypatch.undo()
    assert lost.status_code == 503
    assert "It is not known whether this was recorded" in lost.content.decode()
    head = store.head().position
    assert recorded(form.record(lost.content.decode())) == f"/books/recorded/{head}/{head}?again=yes"
    assert store.head().position == head


@pytest.mark.one_database
def test_whatever_is_sent_to_a_form_is_answered_by_the_form(administrator: Reader) -> None:
    odd = ("", "-1", "9" * 400, "½", str(uuid4()), "company-x", f"bank-{uuid4()}", "0" * 19)
    for number, name in enumerate(COMMANDS):
        names = [f"{of_list}-{{row}}-{leaf}" if of_list else leaf for of_list, leaf, _ in leaves(name)]
        for value in {"x", odd[number % len(odd)]} | set(odd if name == "grant-balances" else ()):
            fields = {field.format(row=row): value for field in names for row in (0, 7, 60)}
            for sent in (fields, {f"{field}-find": value for field in fields}):
                assert administrator.post(f"/books/do/{name}", step="preview", **sent).status_code == 200, (name, value)
    assert store.head().position == 0
