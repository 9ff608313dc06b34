"""Commands that people record by hand: a form, a preview that is what is recorded, and one record of each form."""

from decimal import Decimal
from html import unescape

import pytest

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger.names import COMMANDS, permission
from ledger.rules.commands import ApplyPayment, FundCompany
from ledger.rules.refusals.base import Refusal
from projectors.explain.event import journal_lines
from tests.integration.books.acting import Form, hidden, member, typed
from tests.integration.books.conftest import Reader
from tests.support.api.bodies import GOOD, funded_account
from tests.support.api.refused import REFUSED
from tests.support.databases import Database
from tests.support.ledger.portfolio import do, new_account, new_company, new_product
from web.books.acting.catalog import LABELS, SECTIONS
from web.books.acting.submitted import leaves

GROUPS = ("viewer", "operator", "treasurer", "administrator")
TERMS = {
    "register-company",
    "rename-company",
    "register-asset",
    "revalue-asset",
    "create-deal",
    "update-deal",
    "activate-deal",
    "delete-deal",
    "originate-product",
}


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


def test_a_refusal_is_shown_with_its_sentence_and_remedy_and_records_nothing(administrator: Reader) -> None:
    for slug in sorted(set(REFUSED) - {"already-exists"}):  # the server names what a form creates
        case = REFUSED[slug]()
        head = store.head().position
        page = Form(administrator, case.command).preview(typed(case.command, case.body))
        assert "is-refused" in page or 'class="banner"' in page, slug
        assert REMEDIES[slug] in page, slug
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
    assert f">{head}</a> Payment received" in second
    assert "leaves 30.00 USD owed" in second
    assert store.head().position == head
    do(ApplyPayment(product, Decimal("50.00"), "wire 10"))
    refused = form.record(second)
    assert refused.status_code == 200
    assert "exceeds what is outstanding by 20.00 USD" in refused.content.decode()
    assert "wire 10" in refused.content.decode()
    assert store.head().position == head + 1


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


def test_a_reversal_offers_the_events_that_can_be_reversed(treasurer: Reader) -> None:
    company = new_company()
    first, second = (do(FundCompany(company, Decimal(amount), f"wire {amount}", "USD")).position for amount in "57")
    page = treasurer.text("/books/do/reverse-funding", company_uuid=str(company))
    assert f'value="{first}"' in page
    assert f'value="{second}"' in page
    page = treasurer.text("/books/do/reverse-funding", position=str(second))
    assert f'value="{company}" checked' in page
    assert f'value="{second}" checked' in page


def test_an_amount_is_typed_with_a_point_and_refused_with_the_rule(treasurer: Reader) -> None:
    form = Form(treasurer, "pay-out-funds")
    fields = {"account_uuid": str(funded_account("40.00")), "reference": "wire"}
    for amount, sentence in (
        ("1,000.00", "Must be a plain decimal number such as 1250.00."),
        ("1.234", "its currency has 2 digits after the point"),
        ("", "Is required."),
        ("41.00", "41.00 USD requested, 40.00 USD available."),
    ):
        assert sentence in form.preview({**fields, "amount": amount})


@pytest.mark.parametrize("group", [*GROUPS, None])
def test_every_form_asks_for_the_permission_that_the_api_asks_for(group: str | None, database: Database) -> None:
    reader = member(group) if group else Reader(None)
    may = {"administrator": set(COMMANDS), "treasurer": set(COMMANDS) - TERMS}.get(group or "", set())
    for name in COMMANDS:
        expected = 302 if group is None else 200 if name in may else 403
        response = reader.get(f"/books/do/{name}")
        assert response.status_code == expected, name
        assert reader.post(f"/books/do/{name}", step="find").status_code == expected, name
        if expected == 403:
            assert permission(name) in response.content.decode()
    if group is not None:
        listed = reader.text("/books/do")
        assert {name for name in COMMANDS if f'href="/books/do/{name}"' in listed} == may
        assert ('href="/books/do"' in listed) is bool(may)
