"""A client that is generated from the OpenAPI document loses nothing of what the API answers."""

import importlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ledger import clients
from ledger.names import COMMANDS, permission
from tests.support.api import story
from tests.support.api.calling import Api
from tests.support.databases import Database
from tests.support.webserver import Serve
from web.api.application import api as the_api

PACKAGE = "daybook_client"
pytestmark = pytest.mark.skipif(
    os.environ["DAYBOOK_TEST_VENDOR"] == "postgresql", reason="one database is enough: both answer the same"
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the package that openapi-python-client generates, once for this module."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(the_api.get_openapi_schema()))
    (folder / "config.yaml").write_text("post_hooks: []\nliteral_enums: true\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    command += ["--path", str(folder / "openapi.json"), "--config", str(folder / "config.yaml")]
    done = subprocess.run(
        [*command, "--output-path", str(folder / "client")], check=False, env=os.environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder / "client"))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(folder / "client"))


def operation(path: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{path}")


def model(name: str) -> Any:
    return getattr(importlib.import_module(f"{PACKAGE}.models"), name)


def normal(value: Any) -> Any:
    """Return a value of JSON in which a moment is written in one way."""
    match value:
        case dict():
            return {name: normal(member) for name, member in value.items()}
        case list():
            return [normal(item) for item in value]
        case str() if len(value) > 20 and value[10:11] == "T":
            return datetime.fromisoformat(value).astimezone(UTC).isoformat()
        case _:
            return value


def test_it_grants_reads_back_and_pages_through_the_log_and_loses_nothing(
    database: Database, serve: Serve, generated: Any
) -> None:
    token = clients.token(clients.create("generated", map(permission, COMMANDS)))
    story.play(Api(token))
    with generated.AuthenticatedClient(base_url=serve().url, token=token, raise_on_unexpected_status=True) as client:
        grant_and_read_back(client)
        send_a_batch(client)
        page_through_the_log(client)


def grant_and_read_back(client: Any) -> None:
    sent = {
        "reference": "by a generated client",
        "sources": [{"from_type": "asset", "from_uuid": story.ASSET}],
        "destinations": [
            {"to_company_uuid": story.SELLER, "to_company_account_uuid": story.ACCOUNT, "amount": "10.00"}
        ],
    }
    body = model("GrantBalances").from_dict(sent)
    answer = operation("commands.grant_balances").sync_detailed(client=client, body=body, idempotency_key="generated")
    assert answer.status_code == 201, answer.content
    assert normal(answer.parsed.to_dict()) == normal(json.loads(answer.content))
    assert type(answer.parsed.events[0]).__name__ == "RecordedBalancesGranted"

    grant = UUID(answer.parsed.events[0].stream_id.removeprefix("grant-"))
    read = operation("queries.get_grant").sync_detailed(uuid=grant, client=client)
    assert read.parsed.reference == "by a generated client"
    assert normal(read.parsed.to_dict()) == normal(json.loads(read.content))


def send_a_batch(client: Any) -> None:
    named = [{"name": "In a batch"}, {"name": ""}]
    commands = [
        {"command": "register-company", "idempotency_key": f"batch {number}", "body": body}
        for number, body in enumerate(named)
    ]
    body = model("PostBatchBody").from_dict({"commands": commands})
    answer = operation("commands.post_batch").sync_detailed(client=client, body=body)
    assert answer.status_code == 200, answer.content
    recorded, refused = answer.parsed.results
    assert type(recorded.events[0]).__name__ == "RecordedCompanyRegistered"
    assert (recorded.status, refused.status, refused.problem.type_) == (201, 422, "invalid-text")
    sent = json.loads(answer.content)["results"]
    assert [normal(result.to_dict()) for result in (recorded, refused)] == normal(sent)


def page_through_the_log(client: Any) -> None:
    seen, after, pages = set(), 0, 0
    while True:
        page = operation("the_log.list_events").sync_detailed(client=client, after=after, limit=7)
        assert normal(page.parsed.to_dict()) == normal(json.loads(page.content))
        for event in page.parsed.items:
            assert type(event).__name__ == f"Logged{event.type_}"
            assert type(event.payload).__name__ == f"{event.type_}Payload"
            assert not event.additional_properties
            assert not event.payload.additional_properties
            seen.add(event.type_)
            after = event.position
        pages += 1
        if page.parsed.next_ is None:
            break
    assert pages > 3
    assert len(seen) > 20


def test_it_reads_an_event_of_a_type_that_it_does_not_know(generated: Any) -> None:
    event = {
        "position": 1,
        "stream_id": "company-1",
        "version": 1,
        "type": "CompanyMerged",
        "payload": {"into": "another", "new": [1, 2]},
        "schema_version": 1,
        "actor": "robot",
        "actor_id": 7,
        "correlation_id": "c",
        "causation": None,
        "recorded_at": "2026-03-03T09:30:00+00:00",
        "a_new_member": True,
    }
    page = {"items": [event], "next": None}
    [read] = model("EventPage").from_dict(page).items
    assert type(read).__name__ == "LoggedEventOfNewType"
    assert normal(read.to_dict()) == event
