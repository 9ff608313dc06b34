"""Every page and every action of Books, for each group, for a person in none, and for nobody."""

from typing import Final
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from eventstore import store
from eventstore.models import OperatorAction
from ledger.names import COMMANDS
from tests.integration.books.acting import member
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import DEBTOR, Product
from tests.support.receivers.failing import failing
from web.books.consumers import ACTIONS
from web.books.urls import urlpatterns

pytestmark = pytest.mark.one_database

OPEN: Final = {"login", "logout"}
ONLY_POST: Final = {"command", "consumer-act", "webhook-register", "webhook-act"}
HOOK: Final = UUID(int=7)
TERMS: Final = {
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
MAY_RECORD: Final = {"treasurer": set(COMMANDS) - TERMS, "administrator": set(COMMANDS)}
MAY_OPERATE: Final = {"operator", "administrator"}
MAY_READ: Final = {"viewer", "operator", "treasurer", "administrator"}
LOG_IN: Final = "/books/login/?next="
NOT_ALLOWED: Final = 403


def everybody() -> dict[str, Reader]:
    """Return a member of each group, a person in none, and nobody."""
    people = {group: member(group) for group in ("viewer", "operator", "treasurer", "administrator")}
    return people | {"no group": Reader(User.objects.create_user("stranger")), "nobody": Reader(None)}


def pages(invoice: Product) -> dict[str, str]:
    """Return an address of every page; a page with another kind of parameter has to be added here."""
    values = {
        "product_uuid": invoice.uuid,
        "company_uuid": DEBTOR,
        "webhook_uuid": HOOK,
        "category": "asset",
        "uuid": invoice.asset_uuid,
        "account": "fees_receivable",
        "currency": "USD",
        "position": 1,
        "stream_id": f"product-{invoice.uuid}",
        "first": 1,
        "last": 1,
        "name": "journal",
        "command": "apply-payment",
    }
    found = {}
    for pattern in urlpatterns:
        wanted = pattern.pattern.converters
        found[str(pattern.name)] = reverse(f"books:{pattern.name}", kwargs={name: values[name] for name in wanted})
    return found


def outcome(response: object) -> str:
    """Return whether a page asked to log in, refused, or did anything else."""
    status, headers = getattr(response, "status_code", 0), getattr(response, "headers", {})
    if status == NOT_ALLOWED:
        return "refused"
    return "log in" if headers.get("Location", "").startswith("/books/login/") else "answered"


def allowed(who: str, *, may: bool) -> str:
    return "log in" if who == "nobody" else "answered" if may else "refused"


def test_every_page_is_for_those_who_may_read_and_no_other(invoice: Product) -> None:
    people = everybody()
    failing(store.head().position, HOOK)
    addresses = {name: path for name, path in pages(invoice).items() if name not in OPEN | ONLY_POST}
    seen = {
        (who, name): outcome(reader.get(path)) for who, reader in people.items() for name, path in addresses.items()
    }
    assert seen == {(who, name): allowed(who, may=who in MAY_READ) for who, name in seen}
    nobody = people["nobody"]
    assert all(nobody.get(path)["Location"].startswith(LOG_IN) for path in addresses.values())


def test_every_form_is_for_those_who_may_send_the_command_to_the_api(invoice: Product) -> None:
    head = store.head().position
    for who, reader in everybody().items():
        for name in COMMANDS:
            path = f"/books/do/{name}"
            seen = [outcome(reader.get(path)), outcome(reader.post(path, step="preview"))]
            assert seen == [allowed(who, may=name in MAY_RECORD.get(who, set()))] * 2, (who, name)
        if who in MAY_READ:
            listed = reader.text("/books/do")
            assert {name for name in COMMANDS if f'href="/books/do/{name}"' in listed} == MAY_RECORD.get(who, set())
            assert ('href="/books/do"' in listed) is (who in MAY_RECORD)
    assert store.head().position == head


def test_every_action_on_a_consumer_is_for_those_who_may_operate(invoice: Product) -> None:
    for who, reader in everybody().items():
        for action in ACTIONS:
            done = [reader.post("/books/consumers/journal/act", action=action, reason="x", confirmed="yes")]
            done.append(reader.post("/books/consumers/journal/act", action=action, reason="x"))
            assert {outcome(response) for response in done} == {allowed(who, may=who in MAY_OPERATE)}, (who, action)
        if who in MAY_READ:
            assert ('name="action"' in reader.text("/books/consumers/journal")) is (who in MAY_OPERATE)
    assert set(OperatorAction.objects.values_list("actor", flat=True)) == MAY_OPERATE


def test_a_person_with_a_name_that_the_ledger_records_under_may_record_nothing(invoice: Product) -> None:
    user = User.objects.create_user("late_fees", is_superuser=True)
    response = Reader(user).get("/books/do/fund-company")
    assert response.status_code == NOT_ALLOWED
    assert "The ledger itself records under your name" in response.content.decode()


def test_a_form_from_another_site_is_refused(invoice: Product) -> None:
    member("administrator")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(username="administrator"), backend="django.contrib.auth.backends.ModelBackend")
    for path in ("/books/do/fund-company", "/books/consumers/journal/act"):
        assert browser.post(path, {"step": "preview"}, secure=True).status_code == NOT_ALLOWED
