"""Machine clients: how they are made, what is kept of them, how they get a token, and when it ends."""

import base64
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from oauth2_provider.models import get_access_token_model, get_application_model

from eventstore import store
from eventstore.clock import utc_now
from ledger import clients
from ledger.names import COMMANDS
from tests.integration.api.conftest import NewApi
from tests.support.api.calling import Api, problem

pytestmark = pytest.mark.usefixtures("database")

FORM = "application/x-www-form-urlencoded"
REGISTER = "/api/commands/register-company"


def make(*args: str) -> str:
    output = io.StringIO()
    call_command("create_api_client", *args, stdout=output)
    return output.getvalue()


def credentials(output: str) -> tuple[str, str]:
    found = re.fullmatch(r"client_id: (\S+)\nclient_secret: (\S+)\n", output)
    assert found is not None
    return found[1], found[2]


def ask_for_token(client_id: str, secret: str, grant_type: str = "client_credentials", **fields: str) -> Any:
    sent = {"grant_type": grant_type, "client_id": client_id, "client_secret": secret, **fields}
    return Client().post("/o/token/", sent)


def everything_stored() -> str:
    """Return every value of every table, as text."""
    with connection.cursor() as cursor:
        values = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            values += cursor.fetchall()
    return repr(values)


class TestCreateApiClient:
    def test_prints_id_and_secret_with_which_a_token_is_got(self) -> None:
        client_id, secret = credentials(make("robot", "--permission", "ledger.register_company"))
        api = Api(ask_for_token(client_id, secret).json()["access_token"])
        answer = api.command("register-company", {"name": "Acme"})
        event = store.read_event(answer.json()["position"])
        assert event is not None
        assert event.actor == "robot"

    def test_prints_just_a_token_that_works_at_once(self) -> None:
        token, kept = io.StringIO(), io.StringIO()
        call_command("create_api_client", "robot", "--all-commands", "--token", stdout=token, stderr=kept)
        assert re.fullmatch(r"\S{30,}\n", token.getvalue())
        assert Api(token.getvalue().strip()).command("register-company", {"name": "Acme"}).status_code == 201
        # The secret is not lost: with it the client gets its next token.
        client_id, secret = credentials(kept.getvalue())
        assert ask_for_token(client_id, secret).status_code == 200

    def test_gives_exactly_the_permissions_named_and_reading(self) -> None:
        given = ["--permission", "ledger.grant_balances", "--permission", "ledger.fund_company"]
        make("robot", *given)
        allowed = User.objects.get(username="robot").get_all_permissions()
        assert allowed == {"ledger.view_ledger", "ledger.grant_balances", "ledger.fund_company"}

    @pytest.mark.one_database
    def test_gives_only_reading_where_nothing_is_named(self) -> None:
        make("robot")
        assert User.objects.get(username="robot").get_all_permissions() == {"ledger.view_ledger"}

    @pytest.mark.one_database
    def test_gives_all_commands_and_nothing_else(self) -> None:
        make("robot", "--all-commands")
        user = User.objects.get(username="robot")
        assert user.get_all_permissions() == {
            "ledger.view_ledger",
            *(f"ledger.{name.replace('-', '_')}" for name in COMMANDS),
        }
        assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (False, False, False)

    @pytest.mark.parametrize("name", ["robot", "Robot", "anna", "ANNA", "application", "daily_cycle", "late_fees"])
    def test_refuses_a_name_that_is_taken(self, name: str) -> None:
        make("robot")
        User.objects.create_user("anna")
        get_application_model().objects.create(name="application", client_type="public")
        before = everything_stored()
        with pytest.raises(CommandError, match=f"the name '{name}' is taken"):
            make(name)
        assert everything_stored() == before

    @pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "é", "x" * 151, "a\n"])
    @pytest.mark.one_database
    def test_refuses_an_invalid_name(self, name: str) -> None:
        with pytest.raises(CommandError, match="is not a name"):
            make(name)

    @pytest.mark.parametrize("given", ["grant_balances", "ledger.grant", "auth.add_user", "ledger.grant-balances"])
    @pytest.mark.one_database
    def test_refuses_a_permission_that_does_not_exist_and_lists_those_that_do(self, given: str) -> None:
        with pytest.raises(CommandError, match=f"there is no permission '{given}'; there are: .*ledger.grant_balances"):
            make("robot", "--permission", given)
        assert not User.objects.exists()


@pytest.mark.one_database
class TestWhatIsStored:
    def test_is_neither_the_secret_nor_a_token(self) -> None:
        client_id, secret = credentials(make("robot"))
        given = make("another", "--token").strip()
        got = ask_for_token(client_id, secret).json()["access_token"]
        stored = everything_stored()
        assert client_id in stored
        for text in (secret, given, got):
            assert text not in stored


@pytest.mark.one_database
class TestTheTokenEndpoint:
    @pytest.fixture
    def client(self) -> clients.Client:
        return clients.create("robot", [])

    def test_takes_http_basic(self, client: clients.Client) -> None:
        basic = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        answer = Client().post("/o/token/", "grant_type=client_credentials", content_type=FORM, headers=headers)
        content = answer.json()
        assert (answer.status_code, content["token_type"], content["expires_in"]) == (200, "Bearer", 3600)
        assert "refresh_token" not in content
        assert Api(content["access_token"]).get("/api/business-date").status_code == 200

    def test_takes_id_and_secret_in_the_body(self, client: clients.Client) -> None:
        answer = ask_for_token(client.client_id, client.client_secret)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("secret", ["", "wrong"])
    def test_refuses_a_wrong_secret(self, client: clients.Client, secret: str) -> None:
        answer = ask_for_token(client.client_id, secret)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

    def test_refuses_an_unknown_client_as_it_does_a_wrong_secret(self, client: clients.Client) -> None:
        unknown, wrong = ask_for_token("nobody", "secret"), ask_for_token(client.client_id, "secret")
        assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content)

    @pytest.mark.parametrize(
        ("grant_type", "fields"),
        [
            ("password", {"username": "anna", "password": "secret"}),
            ("authorization_code", {"code": "code", "redirect_uri": "https://example.org/"}),
            ("refresh_token", {"refresh_token": "token"}),
            ("urn:ietf:params:oauth:grant-type:device_code", {"device_code": "code"}),
            ("urn:ietf:params:oauth:grant-type:token-exchange", {"subject_token": "token"}),
            ("implicit", {}),
        ],
    )
    def test_serves_no_other_grant(self, client: clients.Client, grant_type: str, fields: dict[str, str]) -> None:
        User.objects.create_user("anna", password="secret")
        answer = ask_for_token(client.client_id, client.client_secret, grant_type, **fields)
        assert answer.status_code == 400
        assert answer.json()["error"] == ("unsupported_grant_type" if grant_type else "invalid_request")
        assert not get_access_token_model().objects.exists()

    def test_asks_for_the_grant_by_name(self, client: clients.Client) -> None:
        answer = ask_for_token(client.client_id, client.client_secret, "")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    def test_is_not_asked_by_get(self, client: clients.Client) -> None:
        query = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={client.client_secret}"
        assert Client().get(f"/o/token/?{query}").status_code == 405

    @pytest.mark.parametrize(
        "path",
        ["authorize/", "introspect/", "applications/", "authorized_tokens/", "device-authorization/", "userinfo/"],
    )
    def test_is_the_only_one_beside_revocation(self, path: str) -> None:
        assert Client().get(f"/o/{path}").status_code == 404
        assert Client().post(f"/o/{path}").status_code == 404


@pytest.mark.one_database
class TestTheEndOfAToken:
    def is_refused(self, api: Api) -> None:
        answer = api.get("/api/business-date")
        reported = problem(answer, 401, "unauthenticated")
        assert "POST /o/token/" in reported["detail"]
        assert answer["WWW-Authenticate"] == 'Bearer realm="Daybook", error="invalid_token"'
        problem(api.command("register-company", {"name": "Acme"}), 401, "unauthenticated")
        assert store.head().position == 0

    def test_comes_when_it_expires(self, api: Api) -> None:
        assert api.get("/api/business-date").status_code == 200
        get_access_token_model().objects.update(expires=utc_now() - timedelta(seconds=1))
        self.is_refused(api)

    def test_comes_with_its_revocation(self) -> None:
        made = clients.create("robot", [])
        api = Api(ask_for_token(made.client_id, made.client_secret).json()["access_token"])
        sent = {"token": api.token, "client_id": made.client_id, "client_secret": made.client_secret}
        assert api.get("/api/business-date").status_code == 200
        assert Client().post("/o/revoke_token/", sent).status_code == 200
        self.is_refused(api)

    def test_does_not_come_by_another_clients_revocation(self, api: Api) -> None:
        other = clients.create("other", [])
        sent = {"token": api.token, "client_id": other.client_id, "client_secret": other.client_secret}
        Client().post("/o/revoke_token/", sent)
        assert Client().post("/o/revoke_token/", {"token": api.token}).status_code == 401
        assert api.get("/api/business-date").status_code == 200

    def test_comes_when_its_user_is_deactivated(self, api: Api) -> None:
        User.objects.update(is_active=False)
        self.is_refused(api)

    def test_comes_when_its_client_is_deleted(self, api: Api) -> None:
        get_application_model().objects.all().delete()
        self.is_refused(api)

    def test_comes_when_its_user_is_deleted(self, api: Api) -> None:
        User.objects.all().delete()
        self.is_refused(api)

    @pytest.mark.parametrize("token", ["", "wrong", "x" * 10_000, "a b", "'; --", "\u00e9"])
    def test_has_nothing_to_do_with_one_that_never_was(self, token: str) -> None:
        problem(Api(token).get("/api/business-date"), 401, "unauthenticated")


@pytest.mark.one_database
class TestACredentialOfTheWrongKind:
    @pytest.mark.parametrize("kind", ["Token ", "Basic ", "", "bearer:"])
    def test_is_answered_with_how_to_send_a_token_and_not_repeated(self, kind: str, api: Api) -> None:
        answer = Api(None).get("/api/business-date", {"Authorization": f"{kind}{api.token}"})
        reported = problem(answer, 401, "unauthenticated")
        assert "must be Authorization: Bearer TOKEN" in reported["detail"]
        assert str(api.token) not in reported["detail"]
        assert answer["WWW-Authenticate"] == 'Bearer realm="Daybook"'

    def test_is_missing_and_answered_with_how_to_get_one(self) -> None:
        reported = problem(Api(None).get("/api/business-date"), 401, "unauthenticated")
        for needed in ("POST /o/token/", "grant_type=client_credentials", "id and secret", "Authorization: Bearer"):
            assert needed in reported["detail"]

    def test_may_be_the_right_one_in_small_letters(self, api: Api) -> None:
        answer = Api(None).get("/api/business-date", {"Authorization": f"bearer {api.token}"})
        assert answer.status_code == 200


@pytest.mark.one_database
class TestPermissions:
    def test_each_command_asks_for_its_own(self, new_api: NewApi) -> None:
        api = new_api("robot", ["ledger.fund_company"])
        for name in COMMANDS:
            if name != "fund-company":
                reported = problem(api.command(name, {}), 403, "forbidden")
                assert f"ledger.{name.replace('-', '_')}." in reported["detail"]
        problem(api.command("fund-company", {}), 422, "invalid-input")

    def test_one_that_is_taken_away_is_gone_at_once(self, api: Api) -> None:
        assert api.command("register-company", {"name": "Acme"}).status_code == 201
        User.objects.get().user_permissions.filter(codename="register_company").delete()
        problem(api.command("register-company", {"name": "Acme"}), 403, "forbidden")

    def test_one_of_another_app_with_the_same_name_is_none_of_the_ledgers(self, new_api: NewApi) -> None:
        api = new_api("robot", [])
        foreign = Permission.objects.create(
            codename="register_company", name="foreign", content_type=ContentType.objects.get_for_model(User)
        )
        User.objects.get().user_permissions.add(foreign)
        problem(api.command("register-company", {"name": "Acme"}), 403, "forbidden")

    def test_one_that_is_given_to_a_group_is_given_to_its_members(self, new_api: NewApi) -> None:
        api = new_api("robot", [])
        group = Group.objects.create(name="registrars")
        group.permissions.add(Permission.objects.get(codename="register_company", content_type__app_label="ledger"))
        problem(api.command("register-company", {"name": "Acme"}), 403, "forbidden")
        User.objects.get().groups.add(group)
        assert api.command("register-company", {"name": "Acme"}).status_code == 201

    def test_a_person_with_a_name_that_the_ledger_records_under_may_read_and_record_nothing(self) -> None:
        browser = Client()
        browser.force_login(User.objects.create_superuser("late_fees"))
        assert browser.get("/api/business-date").status_code == 200
        problem(browser.post(REGISTER, {"name": "Acme"}, content_type="application/json"), 403, "forbidden")


class TestASession:
    @pytest.fixture
    def browser(self) -> Client:
        """Return the browser of a user who has every permission and has logged in to the admin."""
        User.objects.create_superuser("anna", password="secret")
        browser = Client(enforce_csrf_checks=True)
        browser.get("/admin/login/")
        sent = {"username": "anna", "password": "secret", "csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
        assert browser.post("/admin/login/", sent).status_code == 302
        return browser

    def register(self, browser: Client, **headers: str) -> Any:
        return browser.post(REGISTER, {"name": "Acme"}, content_type="application/json", headers=headers)

    def test_changes_nothing_without_its_csrf_token(self, browser: Client) -> None:
        reported = problem(self.register(browser), 403, "csrf-failed")
        assert "X-CSRFToken" in reported["detail"]
        problem(self.register(browser, **{"X-CSRFToken": "x" * 32}), 403, "csrf-failed")
        assert store.head().position == 0

    def test_records_under_the_persons_name_with_its_csrf_token(self, browser: Client) -> None:
        answer = self.register(browser, **{"X-CSRFToken": browser.cookies["csrftoken"].value})
        assert answer.status_code == 201
        event = store.read_event(1)
        assert event is not None
        assert event.actor == "anna"

    def test_reads_without_it(self, browser: Client) -> None:
        assert browser.get("/api/business-date").status_code == 200

    @pytest.mark.one_database
    def test_of_a_form_that_is_too_large_is_refused_as_such(self, browser: Client) -> None:
        answer = browser.post(REGISTER, b"a=" + b"x" * 2 * 1024 * 1024, content_type=FORM)
        problem(answer, 413, "body-too-large")

    def test_of_a_user_without_permission_reads_nothing(self) -> None:
        browser = Client()
        browser.force_login(User.objects.create_user("nobody"))
        problem(browser.get("/api/business-date"), 403, "forbidden")

    def test_ends_when_its_user_is_deactivated(self, browser: Client) -> None:
        User.objects.update(is_active=False)
        problem(browser.get("/api/business-date"), 401, "unauthenticated")

    @pytest.mark.one_database
    def test_that_is_missing_is_refused(self) -> None:
        problem(self.register(Client(enforce_csrf_checks=True)), 401, "unauthenticated")

    @pytest.mark.parametrize("key", ['"\\000aaaaaaaa"', '"\\355\\240\\200aaaaaaaa"', "a" * 4000, ""])
    @pytest.mark.one_database
    def test_whose_cookie_cannot_be_one_is_none(self, key: str) -> None:
        browser = Client(raise_request_exception=False)
        for path in ("/api/business-date", "/metrics"):
            problem(browser.get(path, HTTP_COOKIE=f"sessionid={key}"), 401, "unauthenticated")
        assert browser.get("/admin/", HTTP_COOKIE=f"sessionid={key}").status_code == 302
