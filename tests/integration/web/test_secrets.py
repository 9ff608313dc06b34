"""No secret reaches a log, an error or an answer, whether it is used rightly or wrongly."""

import base64
import json
import os
import re
import secrets
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User

from ledger import clients
from tests.support.databases import Database
from tests.support.processes import RunManage
from tests.support.webserver import Answer, Serve, WebServer

pytestmark = pytest.mark.skipif(
    os.environ["DAYBOOK_TEST_VENDOR"] != "postgresql", reason="only a server has a password that could be shown"
)

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_the_server_writes_no_secret_that_it_is_given(serve: Serve, database: Database) -> None:
    key, password, mistyped = (secrets.token_urlsafe(48) for _ in range(3))
    client = clients.create("robot", [])
    User.objects.create_superuser("root", password=password)
    token = clients.token(client)
    server = serve(SECRET_KEY=key, LOG_LEVEL="debug")
    cookies: list[str] = []
    answers = [
        *_ask_for_tokens(server, client, mistyped),
        *(_get(server, each) for each in (token, mistyped)),
        *_log_in(server, password, mistyped, cookies),
        server.ask("GET", "/api/companies?token=" + mistyped, headers={"Cookie": f"sessionid={mistyped}"}),
        server.ask("POST", "/api/commands/register-company", json.dumps({"secret": mistyped}).encode()),
    ]
    (session,) = re.findall(r"sessionid=(\w+)", "".join(cookies))
    answers.append(server.ask("GET", "/admin/", headers={"Cookie": f"sessionid={session}"}))
    assert {answer.status for answer in answers} >= {200, 302, 401}
    written = server.process.errors() + server.process.output()
    assert written.count("duration_ms") >= len(answers)
    given = {"key": key, "password": password, "mistyped": mistyped, "token": token, "session": session}
    given["secret"] = client.client_secret
    assert [name for name, secret in given.items() if secret in written] == []
    shown = b"".join(answer.body for answer in answers).decode()
    assert [name for name, secret in given.items() if secret in shown] == []


def _ask_for_tokens(server: WebServer, client: clients.Client, mistyped: str) -> list[Answer]:
    answers = []
    for secret in (client.client_secret, mistyped):
        basic = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
        form = {"grant_type": "client_credentials"}
        headers = {**_FORM, "Authorization": f"Basic {basic}"}
        answers.append(server.ask("POST", "/o/token/", urlencode(form).encode(), headers=headers))
        form |= {"client_id": client.client_id, "client_secret": secret}
        answers.append(server.ask("POST", "/o/token/", urlencode(form).encode(), headers=_FORM))
    # The answers that issue a token show it, as they must.
    return [answer for answer in answers if answer.status != 200]


def _get(server: WebServer, token: str) -> Answer:
    return server.ask("GET", "/api/companies", headers={"Authorization": f"Bearer {token}"})


def _log_in(server: WebServer, password: str, mistyped: str, cookies: list[str]) -> list[Answer]:
    answers = []
    for path in ("/admin/login/", "/books/login/"):
        page = server.ask("GET", path)
        (csrf,) = re.findall(r"csrftoken=(\w+)", str(page.headers))
        for each in (mistyped, password):
            form = {"username": "root", "password": each, "csrfmiddlewaretoken": csrf}
            headers = {**_FORM, "Cookie": f"csrftoken={csrf}", "Referer": server.url + path}
            answers.append(server.ask("POST", path, urlencode(form).encode(), headers=headers))
    cookies.append(str(answers[1].headers))
    return answers


@pytest.mark.parametrize("place", ["{}@127.0.0.1:1/ledger", "{}@127.0.0.1:one/ledger", "{}@/ledger?port=no"])
@pytest.mark.parametrize("command", ["migrate", "consumers"])
def test_a_command_that_fails_shows_no_password(place: str, command: str, run_manage: RunManage) -> None:
    password = secrets.token_urlsafe(24)
    env = {"DATABASE_URL": "postgres://" + place.format(f"somebody:{password}")}
    done = run_manage(command, "--traceback", env=env, check=False)
    assert done.returncode != 0
    assert done.stderr
    assert password not in done.stdout + done.stderr
