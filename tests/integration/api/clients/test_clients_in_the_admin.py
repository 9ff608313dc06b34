"""An operator manages an existing client in the admin: its permissions, its secret, its tokens and its deletion."""

import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import get_access_token_model, get_application_model

from ledger import clients
from tests.support.api.calling import Api, problem
from tests.support.databases import Database

# Static files are collected when the project is installed for production, not for tests.
pytestmark = [pytest.mark.filterwarnings("ignore:No directory at:UserWarning"), pytest.mark.one_database]


@pytest.fixture
def robot(database: Database) -> clients.Client:
    """Return a client that may only read."""
    return clients.create("robot", [])


@pytest.fixture
def api(robot: clients.Client) -> Api:
    return Api(clients.token(robot))


@pytest.fixture
def browser(robot: clients.Client) -> Client:
    """Return the browser of an operator who may do everything."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    return browser


def token_status(robot: clients.Client, secret: str) -> int:
    sent = {"grant_type": "client_credentials", "client_id": robot.client_id, "client_secret": secret}
    return Client().post("/o/token/", sent).status_code


def save(browser: Client, page: str, key: Any, **changes: Any) -> None:
    """Open a page of the admin, change some fields as a person would, and save it."""
    address = reverse(f"admin:{page}_change", args=[key])
    form = browser.get(address).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields} | changes
    for name in ("last_login", "date_joined"):
        if moment := sent.pop(name, None):
            sent |= {f"{name}_0": f"{moment:%Y-%m-%d}", f"{name}_1": f"{moment:%H:%M:%S}"}
    answer = browser.post(address, {name: value for name, value in sent.items() if value not in (None, False)})
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def save_user(browser: Client, **changes: Any) -> None:
    save(browser, "auth_user", User.objects.get(username="robot").pk, **changes)


def delete_tokens(browser: Client) -> None:
    for pk in get_access_token_model().objects.values_list("pk", flat=True):
        address = reverse("admin:oauth2_provider_accesstoken_delete", args=[pk])
        assert browser.post(address, {"post": "yes"}).status_code == 302


def test_a_permission_is_given_and_taken_away_at_once(browser: Client, api: Api) -> None:
    may = list(Permission.objects.filter(codename__in=["view_ledger", "register_company"]).values_list("pk", flat=True))
    problem(api.command("register-company", {"name": "Acme"}), 403, "forbidden")
    save_user(browser, user_permissions=may)
    assert api.command("register-company", {"name": "Acme"}).status_code == 201
    save_user(browser, user_permissions=[])
    problem(api.command("register-company", {"name": "Acme"}), 403, "forbidden")


def test_a_client_is_turned_off_and_on_again_with_the_tokens_that_it_has(
    browser: Client, api: Api, robot: clients.Client
) -> None:
    save_user(browser, is_active=False)
    problem(api.get("/api/business-date"), 401, "unauthenticated")
    assert token_status(robot, robot.client_secret) == 200
    problem(Api(clients.token(robot)).get("/api/business-date"), 401, "unauthenticated")
    save_user(browser, is_active=True)
    assert api.get("/api/business-date").status_code == 200


def test_a_new_secret_takes_the_place_of_the_old_one_and_ends_no_token(
    browser: Client, api: Api, robot: clients.Client
) -> None:
    written = StringIO()
    call_command("create_api_client", "Robot", "--new-secret", stdout=written)
    client_id, secret = re.findall(r"client_\w+: (\S+)", written.getvalue())
    assert client_id == robot.client_id
    assert token_status(robot, robot.client_secret) == 401
    assert token_status(robot, secret) == 200
    assert secret not in get_application_model().objects.get().client_secret
    assert api.get("/api/business-date").status_code == 200
    delete_tokens(browser)
    problem(api.get("/api/business-date"), 401, "unauthenticated")


def test_only_a_client_gets_a_new_secret_and_with_it_no_permission(robot: clients.Client) -> None:
    with pytest.raises(CommandError, match="there is no client 'other'"):
        call_command("create_api_client", "other", "--new-secret")
    with pytest.raises(CommandError, match="changes no permission"):
        call_command("create_api_client", "robot", "--new-secret", "--all-commands")


def test_a_client_is_deleted_with_its_tokens_and_its_name_stays_taken(
    browser: Client, api: Api, robot: clients.Client
) -> None:
    address = reverse("admin:oauth2_provider_application_delete", args=[robot.application.pk])
    assert browser.post(address, {"post": "yes"}).status_code == 302
    problem(api.get("/api/business-date"), 401, "unauthenticated")
    assert token_status(robot, robot.client_secret) == 401
    with pytest.raises(clients.NameTaken):
        clients.create("robot", [])


def test_the_error_of_a_taken_name_says_what_to_do(robot: clients.Client) -> None:
    User.objects.create_user("anna")
    for name in ("anna", "daily_cycle"):
        with pytest.raises(CommandError, match="Choose another name.$"):
            call_command("create_api_client", name)
    with pytest.raises(CommandError, match="Choose another name, or .* new secret with --new-secret.$"):
        call_command("create_api_client", "Robot")
