"""The pages of webhooks: who may register and act, what is shown of a secret, and how an endpoint stands."""

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.models import OperatorAction
from relays.models import Delivery, Endpoint
from tests.integration.books.acting import member
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import Product
from tests.support.receivers.failing import failing
from web.books.acting.webhooks import ACTIONS

pytestmark = pytest.mark.one_database


@pytest.fixture(autouse=True)
def _webhooks(settings: Settings) -> None:
    settings.WEBHOOKS, settings.WEBHOOK_NETWORKS = True, ["127.0.0.1/32"]


def test_an_operator_registers_an_endpoint_and_sees_its_secret_once(invoice: Product) -> None:
    operator = member("operator")
    form = {"url": "https://127.0.0.1/hook", "types": "CompanyFunded PaymentApplied", "description": "accounting"}
    made = operator.post("/books/webhooks/register", **form)
    endpoint = Endpoint.objects.get()
    assert endpoint.secret in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    assert (endpoint.types, endpoint.created_by) == (["CompanyFunded", "PaymentApplied"], "operator")
    for page in ("/books/webhooks", f"/books/webhooks/{endpoint.pk}"):
        assert endpoint.url in operator.text(page)
        assert endpoint.secret not in operator.text(page)
    refused = operator.post("/books/webhooks/register", url="https://10.0.0.1/hook")
    assert (refused.status_code, "inside this network" in refused.content.decode()) == (409, True)


def test_a_failing_endpoint_says_since_when_why_and_what_was_sent(invoice: Product) -> None:
    uuid, head = failing(store.head().position), store.head().position
    viewer = member("viewer")
    text = viewer.text(f"/books/webhooks/{uuid}")
    assert "failing since" in text
    assert f"event {head}</a>: answered 500." in text
    assert 'name="action"' not in text
    assert "Register</h2>" not in viewer.text("/books/webhooks")


def test_each_action_needs_a_reason_and_is_recorded(invoice: Product) -> None:
    uuid, head = failing(store.head().position), store.head().position
    operator = member("operator")
    path = f"/books/webhooks/{uuid}/act"
    sure = {"confirmed": "yes"}
    assert operator.post(path, action="disable", reason="", **sure).status_code == 400
    assert operator.post(path, action="stop", reason="x", **sure).status_code == 400
    assert operator.post(path, action="skip", reason="x", position="1", **sure).status_code == 409
    for action in ("skip", "redeliver", "disable", "enable"):
        form = {"action": action, "reason": "a good one", "position": str(head)}
        assert operator.post(path, **form, **sure).status_code == 302, action
    assert (Endpoint.objects.get().position, Delivery.objects.get(position=head).is_requested) == (head, True)
    secret = Endpoint.objects.get().secret
    rotated = operator.post(path, action="rotate", reason="it was seen", **sure).content.decode()
    assert Endpoint.objects.get().secret != secret
    assert Endpoint.objects.get().secret in rotated
    assert "a good one" in rotated
    assert operator.post(path, action="delete", reason="unused", **sure).status_code == 302
    assert operator.get(f"/books/webhooks/{uuid}").status_code == 404
    assert set(OperatorAction.objects.values_list("actor", flat=True)) == {"operator"}


def test_no_action_is_done_before_it_is_confirmed(invoice: Product) -> None:
    uuid, head = failing(store.head().position), store.head().position
    before = Endpoint.objects.values().get()
    operator = member("operator")
    for action, about in ACTIONS.items():
        form = {"action": action, "reason": "a good one", "position": str(head)}
        asked = operator.post(f"/books/webhooks/{uuid}/act", **form)
        page = asked.content.decode()
        assert (asked.status_code, about in page, "a good one" in page) == (200, True, True), action
        assert 'name="confirmed" value="yes"' in page
    refused = operator.post(f"/books/webhooks/{uuid}/act", action="skip", reason="x", position="999")
    assert (refused.status_code, "Nothing of position 999" in refused.content.decode()) == (409, True)
    assert Endpoint.objects.values().get() == before
    assert not Delivery.objects.filter(is_requested=True).exists()


def test_only_those_who_may_operate_act(invoice: Product) -> None:
    uuid = failing(store.head().position)
    people = [member("viewer"), member("treasurer"), Reader(User.objects.create_user("stranger"))]
    for reader in people:
        for path in ("/books/webhooks/register", f"/books/webhooks/{uuid}/act"):
            assert reader.post(path, action="delete", reason="x", url="https://127.0.0.1/").status_code == 403
            assert reader.get(path).status_code == 405
    assert Reader(None).post(f"/books/webhooks/{uuid}/act", action="delete")["Location"] == "/books/login/"
    assert Endpoint.objects.count() == 1
