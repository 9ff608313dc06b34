"""Webhooks over HTTP: who may do what, what is refused, and what is shown of a secret."""

import json
import shlex
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from ledger.names import OPERATE
from relays.models import Delivery, Endpoint
from tests.integration.api.conftest import NewApi
from tests.support.api.calling import Api, problem
from tests.support.documents.pages import CALLED, differences, steps

pytestmark = pytest.mark.one_database

HOOK = "https://127.0.0.1/hook"


@pytest.fixture
def operator(new_api: NewApi, settings: Settings) -> Api:
    settings.WEBHOOKS, settings.WEBHOOK_NETWORKS = True, ["127.0.0.1/32"]
    return new_api("operator", [OPERATE])


def post(api: Api, path: str, **body: Any) -> Any:
    return api.post(f"/api/webhooks{path}", json.dumps(body))


def test_a_secret_is_shown_once_and_an_endpoint_is_registered_once(operator: Api) -> None:
    uuid = str(uuid4())
    made = post(operator, "", url=HOOK, uuid=uuid, types=["CompanyFunded"])
    assert made.status_code == 201
    assert made.json()["secret"] == Endpoint.objects.get().secret
    listed = operator.get("/api/webhooks")
    assert made.json()["secret"] not in listed.content.decode()
    assert [(one["uuid"], one["url"], one["state"]) for one in listed.json()["items"]] == [(uuid, HOOK, "working")]
    problem(post(operator, "", url=HOOK, uuid=uuid), 409, "operation-refused")


def test_each_call_of_the_page_is_answered_as_it_says(operator: Api) -> None:
    [page] = CALLED
    seen = [_asked(operator, shlex.split(step.command)) for step in steps(page)]
    wrong = [
        (step.at, found)
        for step, out in zip(steps(page), seen, strict=True)
        if (found := differences(step.promised, out))
    ]
    assert not wrong


def _asked(api: Api, words: list[str]) -> str:
    """Return what `ask`, which is curl with a token, prints."""
    ask, address, *body = words
    assert (ask, body[:1] in ([], ["-d"])) == ("ask", True)
    path = address.removeprefix("https://ledger.example")
    answer = api.post(path, body[1].replace("hooks.example", "127.0.0.1")) if body else api.get(path)
    return f"{answer.content.decode().replace('127.0.0.1', 'hooks.example')}\n"


def test_what_cannot_be_registered_is_named(operator: Api, settings: Settings) -> None:
    for body, pointer in (
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "http:"}, "/url"),
        ({"url": HOOK, "types": ["CompanyFounded"]}, "/types"),
        ({"url": HOOK, "secret": "mine"}, "/secret"),
    ):
        reported = problem(post(operator, "", **body), 422, "invalid-input")
        assert [fault["pointer"] for fault in reported["errors"]] == [pointer]
    settings.WEBHOOKS = False
    problem(post(operator, "", url=HOOK), 409, "operation-refused")
    assert not Endpoint.objects.exists()


def test_actions_need_the_permission_to_operate_a_reason_and_a_state_that_fits(operator: Api, new_api: NewApi) -> None:
    uuid = post(operator, "", url=HOOK).json()["uuid"]
    reader = new_api("reader", [])
    problem(post(reader, "", url=HOOK), 403, "forbidden")
    problem(post(reader, f"/{uuid}/actions", action="disable", reason="why not"), 403, "forbidden")
    problem(post(operator, f"/{uuid}/actions", action="disable", reason=" "), 422, "invalid-input")
    problem(post(operator, f"/{uuid}/actions", action="skip", reason="poison"), 422, "invalid-input")
    problem(post(operator, f"/{uuid}/actions", action="skip", reason="poison", position=1), 409, "operation-refused")
    problem(post(operator, f"/{uuid}/actions", action="redeliver", reason="lost", position=1), 404, "not-found")
    problem(post(operator, f"/{uuid4()}/actions", action="enable", reason="again"), 404, "not-found")
    for action in ("disable", "enable", "rotate-secret", "delete"):
        done = post(operator, f"/{uuid}/actions", action=action, reason="a good one")
        assert done.json()["done"] == action
    assert not Endpoint.objects.exists()


def test_deliveries_are_listed_with_what_became_of_them(operator: Api) -> None:
    uuid = post(operator, "", url=HOOK).json()["uuid"]
    endpoint = Endpoint.objects.get()
    Delivery.objects.create(
        endpoint=endpoint,
        position=7,
        type="CompanyFunded",
        state="failing",
        attempts=2,
        last_attempt_at=endpoint.created_at,
        last_result="answered 500",
    )
    Endpoint.objects.update(failing_since=endpoint.created_at)
    [listed] = operator.get(f"/api/webhooks/{uuid}/deliveries").json()["items"]
    assert (listed["position"], listed["state"], listed["last_result"]) == (7, "failing", "answered 500")
    [shown] = operator.get("/api/webhooks").json()["items"]
    assert (shown["state"], shown["why"]) == ("failing", "answered 500")
    problem(operator.get(f"/api/webhooks/{uuid4()}/deliveries"), 404, "not-found")
