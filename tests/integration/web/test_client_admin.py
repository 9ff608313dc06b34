"""The admin shows API clients and their tokens without anything secret, and nothing that is called a grant but ours."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from oauth2_provider.models import get_access_token_model, get_application_model

from ledger import clients
from tests.support.databases import Database

pytestmark = pytest.mark.one_database

APPLICATION = "/admin/oauth2_provider/application/"
TOKEN = "/admin/oauth2_provider/accesstoken/"


@pytest.fixture
def operator(database: Database) -> Client:
    """Return a browser in which a superuser has logged in."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"), "django.contrib.auth.backends.ModelBackend")
    return browser


def test_no_page_shows_a_secret_or_its_hash(operator: Client) -> None:
    client = clients.create("robot", [])
    token = clients.token(client)
    application, stored = get_application_model().objects.get(), get_access_token_model().objects.get()
    secrets = [client.client_secret, token, application.client_secret, stored.token, stored.token_checksum]
    for path in (APPLICATION, f"{APPLICATION}{application.pk}/change/", TOKEN, f"{TOKEN}{stored.pk}/change/"):
        page = operator.get(path, secure=True)
        assert page.status_code == 200
        assert "robot" in page.text
        assert [secret for secret in filter(None, secrets) if secret in page.text] == []


def test_oauths_grants_are_not_shown(operator: Client) -> None:
    index = operator.get("/admin/", secure=True).text
    assert set(re.findall(r"/admin/oauth2_provider/(\w+)/", index)) == {"application", "accesstoken"}
    assert operator.get("/admin/oauth2_provider/grant/", secure=True).status_code == 404


def test_a_client_can_be_deleted_with_its_tokens_and_neither_added_nor_changed(operator: Client) -> None:
    token = clients.token(clients.create("robot", []))
    application = get_application_model().objects.get()
    assert operator.get(f"{APPLICATION}add/", secure=True).status_code == 403
    assert operator.post(f"{APPLICATION}{application.pk}/change/", {"name": "x"}, secure=True).status_code == 403
    deleted = operator.post(f"{APPLICATION}{application.pk}/delete/", {"post": "yes"}, secure=True)
    assert deleted.status_code == 302
    answer = Client().get("/api/companies", headers={"Authorization": f"Bearer {token}"}, secure=True)
    assert answer.status_code == 401


def test_a_token_is_revoked_by_deleting_it(operator: Client) -> None:
    token = clients.token(clients.create("robot", []))
    stored = get_access_token_model().objects.get()
    assert operator.post(f"{TOKEN}{stored.pk}/delete/", {"post": "yes"}, secure=True).status_code == 302
    answer = Client().get("/api/companies", headers={"Authorization": f"Bearer {token}"}, secure=True)
    assert answer.status_code == 401
