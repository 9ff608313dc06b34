"""Forms and bodies that are wrong by chance, to every address that takes one beside the commands of the API.

Each is taken, or refused with a reason; an error of the server ends the test. The cases are counted.
"""

import base64
import json
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from eventstore import store
from ledger import clients
from ledger.names import OPERATE
from relays.models import Endpoint
from relays.webhooks import endpoints
from tests.integration.books.acting import hidden, member, typed
from tests.integration.books.conftest import Reader
from tests.support.api.bodies import GOOD
from tests.support.api.calling import new_token
from tests.support.bad_input import NASTY, changed_bytes, changed_json
from tests.support.counting import count
from tests.support.rounds import rounds
from web.books.acting.webhooks import ACTIONS as OF_WEBHOOKS
from web.books.consumers import ACTIONS as OF_CONSUMERS

pytestmark = [pytest.mark.one_database, pytest.mark.usefixtures("invoice")]

FORM: Final = "application/x-www-form-urlencoded"
HOOK: Final = "https://127.0.0.1/hook"
TEXTS: Final = [json.loads(text) for text in NASTY if text[:1] == '"' and "\\ud" not in text]
Fields = dict[str, str]
Ask = Callable[[Random], Any]


@pytest.fixture(autouse=True)
def _open(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let webhooks be registered, secrets be checked quickly and often, and no name be looked up on the net."""
    settings.WEBHOOKS, settings.WEBHOOK_NETWORKS = True, ["127.0.0.1/32"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.TOKEN_REQUESTS_PER_MINUTE = 100_000
    look_up = socket.getaddrinfo

    def looked_up(host: Any, *more: Any, **options: Any) -> Any:
        if set(str(host)) - set("0123456789abcdef.:"):
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


def changed_form(form: Fields, chance: Random) -> bytes:
    """Return a form of which some fields are changed, left out or added; sometimes its bytes are changed too."""
    fields = dict(form)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        name = chance.choice([*fields, "extra"])
        kind = chance.random()
        if kind < 0.75:
            fields[name] = chance.choice(TEXTS)
        elif kind < 0.9:
            fields.pop(name, None)
        else:
            fields[f"{name}{chance.choice(('-0', '[]', '-1-uuid', ' '))}"] = chance.choice(TEXTS)
    content = urlencode(fields).encode()
    return changed_bytes(content, chance) if chance.random() < 0.2 else content


def run(what: str, cases: int, ask: Ask) -> None:
    """Send so many; each must be taken, or refused with a status below 500 and a reason, and both must occur."""
    outcomes: Counter[str] = Counter()
    for number in range(rounds(cases)):
        chance = Random(f"{what} {number}")
        try:
            answer = ask(chance)
            assert answer.status_code < 500, answer.content[:500]
            assert answer.content or answer.status_code < 400
        except BaseException as error:
            error.add_note(f"case {number} of {what}")
            raise
        outcomes["refused" if answer.status_code >= 400 else "taken"] += 1
    assert min(outcomes["taken"], outcomes["refused"]) > 0, outcomes
    count(what, outcomes)


def browser(reader: Reader) -> Client:
    """Return the browser of a reader, which raises the errors of the server."""
    made = Client()
    made.cookies = reader._client.cookies
    return made


def sending(client: Client, forms: Sequence[tuple[str, Fields]]) -> Ask:
    """Return a function that sends one of the forms, changed."""

    def ask(chance: Random) -> Any:
        path, form = chance.choice(forms)
        return client.generic("POST", path, changed_form(form, chance), FORM, secure=True)

    return ask


def test_a_form_of_a_command_is_shown_with_its_faults_or_recorded() -> None:
    administrator = member("administrator")
    forms: list[tuple[str, Fields]] = []
    for name, (make, _) in GOOD.items():
        path, fields = f"/books/do/{name}", typed(name, make())
        form = {"step": "preview", "form": hidden(administrator.text(path), "form"), **fields}
        ticket = hidden(administrator.post(path, **form).content.decode().replace("&quot;", '"'), "ticket")
        forms += [(path, form), (path, {"step": "record", "ticket": ticket})]
    run("forms of commands", 200, sending(browser(administrator), forms))


def test_a_form_of_an_operator_acts_or_is_refused() -> None:
    operator = member("operator")
    hook = endpoints.register(uuid4(), HOOK, (), "", actor="tests").pk
    at = {"reason": "a good one", "position": str(store.head().position), "confirmed": "yes"}
    forms = [("/books/consumers/journal/act", {"action": action, **at}) for action in OF_CONSUMERS]
    forms += [(f"/books/webhooks/{hook}/act", {"action": action, **at}) for action in OF_WEBHOOKS if action != "delete"]
    forms.append(("/books/webhooks/register", {"url": HOOK, "types": "CompanyFunded", "description": "accounting"}))
    run("forms of operators", 150, sending(browser(operator), forms))
    assert Endpoint.objects.filter(pk=hook).exists()


def test_a_log_in_is_taken_or_refused() -> None:
    forms = [(path, {"username": "nobody", "password": "secret"}) for path in ("/books/login/", "/admin/login/")]
    forms += [("/books/logout/", {})]
    run("forms to log in", 60, sending(Client(), forms))


def test_a_request_for_a_token_is_answered_with_one_or_refused() -> None:
    known = clients.create("robot", [])
    own = {"client_id": known.client_id, "client_secret": known.client_secret}
    http = Client()
    credentials = base64.b64encode(f"{known.client_id}:{known.client_secret}".encode())

    def ask(chance: Random) -> Any:
        path, form = chance.choice(
            (
                ("/o/token/", {"grant_type": "client_credentials", "scope": "ledger"}),
                ("/o/revoke_token/", {"token": "x"}),
            )
        )
        header = chance.random()
        if header < 0.5:
            form = {**form, **own}
        sent = changed_bytes(credentials, chance) if chance.random() < 0.3 else credentials
        headers = {} if header < 0.5 else {"Authorization": f"Basic {sent.decode('latin-1')}"}
        kind = chance.choice((FORM, FORM, FORM, f"{FORM}; charset=utf-16", "application/json", "multipart/form-data"))
        return http.generic("POST", path, changed_form(form, chance), kind, secure=True, headers=headers)

    run("requests for tokens", 150, ask)


def test_a_body_of_a_webhook_is_taken_or_refused() -> None:
    http, token = Client(), new_token("operator", [OPERATE])
    hook = endpoints.register(uuid4(), HOOK, (), "", actor="tests").pk
    new = {"uuid": str(uuid4()), "url": HOOK, "types": ["CompanyFunded"], "description": "accounting"}
    actions = ("enable", "disable", "rotate-secret", "skip", "redeliver")
    bodies: list[tuple[str, dict[str, Any]]] = [("", {name: new[name] for name in new if name != "uuid"}), ("", new)]
    bodies += [(f"/{hook}/actions", {"action": action, "reason": "a good one", "position": 1}) for action in actions]

    def ask(chance: Random) -> Any:
        path, body = chance.choice(bodies)
        content = json.dumps(body).encode() if chance.random() < 0.2 else changed_json(body, chance)
        headers = {"Authorization": f"Bearer {token}"}
        return http.generic("POST", f"/api/webhooks{path}", content, "application/json", secure=True, headers=headers)

    run("bodies of webhooks", 200, ask)
