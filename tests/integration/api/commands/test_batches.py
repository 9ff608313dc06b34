"""Many commands in one request: decided in order, each answered in its place, and recorded once however often sent."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eventstore import batches as appends
from eventstore import store
from eventstore.errors import WrongExpectedVersion
from eventstore.models import RecordedKey
from eventstore.records import Context, NewEvent, RecordedEvent
from ledger import batches
from ledger.rules.commands import RenameCompany
from ledger.rules.events import CompanyRenamed
from tests.integration.api.conftest import NewApi
from tests.support.api.calling import Api, problem
from tests.support.ledger.portfolio import do, new_company
from web.api.batches import body as batch_body
from web.server import body_limits
from web.slots import SlotKind, slots

pytestmark = pytest.mark.usefixtures("database")
Sent = dict[str, Any]


def sent(command: str, key: str, /, **body: object) -> Sent:
    return {"command": command, "idempotency_key": key, "body": body}


def invoice(number: int, seller: UUID, debtor: UUID) -> list[Sent]:
    """Return an asset, and a revaluation that rests on it."""
    asset = str(UUID(int=number))
    return [
        sent(
            "register-asset",
            f"asset {number}",
            asset_uuid=asset,
            sender_company_uuid=str(seller),
            receiver_company_uuid=str(debtor),
            value="100.00",
            currency="USD",
            reference=f"invoice {number}",
        ),
        sent("revalue-asset", f"value {number}", asset_uuid=asset, value="90.00"),
    ]


def post(api: Api, commands: Sequence[Sent], *, atomic: bool = False, lines: bool = False) -> Any:
    content = "\n".join(map(json.dumps, commands)) if lines else json.dumps({"commands": list(commands)})
    headers = {"Content-Type": "application/x-ndjson"} if lines else {}
    return api.post(f"/api/batches{'?atomic=true' if atomic else ''}", content, headers)


def statuses(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [result["status"] for result in response.json()["results"]]


def test_each_command_rests_on_those_before_it_and_is_answered_in_its_place(api: Api) -> None:
    seller, debtor, nobody = new_company(), new_company(), uuid4()
    commands = [
        *invoice(1, seller, debtor),
        sent("rename-company", "k1", company_uuid=str(nobody), name="Nobody"),
        sent("rename-company", "k2", company_uuid=str(seller)),
        sent("register-company", "k3", name="New"),
        *invoice(2, seller, debtor),
    ]
    head = store.head().position
    for lines in (False, True):
        response = post(api, commands, lines=lines)
        assert statuses(response) == [201, 201, 422, 422, 201, 201, 201]
        answer = response.json()
        assert (answer["position"], response["Ledger-Position"]) == (head + 5, str(head + 5))
        results = answer["results"]
        assert [result["problem"]["type"] for result in results[2:4]] == ["unknown-company", "invalid-input"]
        assert results[3]["problem"]["errors"] == [{"pointer": "/name", "detail": "is required"}]
        assert [result.get("position") for result in results] == [
            head + 1,
            head + 2,
            None,
            None,
            *range(head + 3, head + 6),
        ]
        assert [result.get("replayed", False) for result in results] == [
            lines,
            lines,
            False,
            False,
            lines,
            lines,
            lines,
        ]
        assert results[1]["events"][0] == {**results[1]["events"][0], "type": "AssetRevalued", "version": 2}
    events = list(store.read_all(after=head))
    assert len(events) == 5
    assert {event.actor for event in events} == {"robot"}
    alone = api.command("register-company", {"name": "New"}, key="k3")
    assert (alone.json()["position"], alone["Idempotent-Replayed"]) == (head + 3, "true")
    again = post(api, [sent("register-company", "k3", name="Other"), sent("register-company", "k4", name="Other")])
    assert statuses(again) == [422, 201]
    assert again.json()["results"][0]["problem"]["type"] == "idempotency-key-reused"


def test_an_atomic_batch_records_all_or_nothing(api: Api) -> None:
    seller, debtor = new_company(), new_company()
    head = store.head().position
    good = invoice(1, seller, debtor)
    wrong = {
        "unknown-asset": sent("revalue-asset", "x", asset_uuid=str(uuid4()), value="1.00"),
        "invalid-input": sent("revalue-asset", "x", asset_uuid="not a uuid", value="1.00"),
    }
    for slug, one in wrong.items():
        reported = problem(post(api, [*good, one, *invoice(2, seller, debtor)], atomic=True), 422, "batch-refused")
        assert (reported["index"], reported["problem"]["type"]) == (2, slug)
        assert "Command 2 of the batch, counted from 0, is refused" in reported["detail"]
        assert store.head().position == head
        assert not RecordedKey.objects.exists()
    for replayed in (False, True):
        response = post(api, good, atomic=True)
        assert statuses(response) == [201, 201]
        assert [result.get("replayed", False) for result in response.json()["results"]] == [replayed] * 2
    both = post(api, [*invoice(3, seller, debtor), *good], atomic=True)
    assert [result.get("replayed", False) for result in both.json()["results"]] == [False, False, True, True]
    assert store.head().position == head + 4


def test_a_batch_broken_off_anywhere_and_sent_again_records_nothing_twice(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, debtor = new_company(), new_company()
    head = store.head().position
    commands = [command for number in range(1, 6) for command in invoice(number, seller, debtor)]
    monkeypatch.setattr(batches, "_AT_ONCE", 3)
    record_keys = appends._record_keys
    calls: list[int] = []

    def breaking(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) in (2, 4):
            raise RuntimeError("broken off")
        record_keys(*arguments)

    monkeypatch.setattr(appends, "_record_keys", breaking)
    recorded = []
    for _ in range(2):
        problem(post(api, commands), 500, "internal-error")
        recorded.append(store.head().position - head)
    assert recorded == [3, 6]
    assert statuses(post(api, commands)) == [201] * 10
    assert store.head().position == head + 10
    assert RecordedKey.objects.count() == 10


def test_what_others_record_meanwhile_is_decided_upon_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    company = new_company()
    attempt = batches._attempt
    conflicts: list[object] = []

    def meanwhile(chunk: Any) -> Any:
        if not conflicts:
            execute = appends.append_parts

            def after_another(*arguments: Any, **named: Any) -> Any:
                monkeypatch.setattr(appends, "append_parts", execute)
                do(RenameCompany(company, "By another"))
                return execute(*arguments, **named)

            monkeypatch.setattr(appends, "append_parts", after_another)
        try:
            return attempt(chunk)
        except WrongExpectedVersion:
            conflicts.append(chunk)
            raise

    monkeypatch.setattr(batches, "_attempt", meanwhile)
    assert statuses(post(api, [sent("rename-company", "k", company_uuid=str(company), name="By the batch")])) == [201]
    assert len(conflicts) == 1
    assert [event.payload["name"] for event in store.read_stream(f"company-{company}")][1:] == [
        "By another",
        "By the batch",
    ]


def test_each_command_of_a_batch_needs_its_own_permission(new_api: NewApi) -> None:
    clerk = new_api("clerk", ["ledger.register_company"])
    commands = [sent("register-company", "a", name="Acme"), sent("fund-company", "b", company_uuid=str(uuid4()))]
    response = post(clerk, commands)
    assert statuses(response) == [201, 403]
    assert "ledger.fund_company" in response.json()["results"][1]["problem"]["detail"]
    reported = problem(post(clerk, commands, atomic=True), 422, "batch-refused")
    assert (reported["index"], reported["problem"]["type"]) == (1, "forbidden")
    problem(post(Api(None), commands), 401, "unauthenticated")


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("content", "pointer", "detail"),
    [
        ({}, "/commands", "is required"),
        ([], "", "must be an object"),
        ({"commands": [], "more": 1}, "/more", "unknown field"),
        ({"commands": {}}, "/commands", "must be a list"),
        ({"commands": []}, "/commands", "must have from 1 to 10000 commands"),
        ({"commands": [1]}, "/commands/0", "must be an object"),
        ({"commands": [{}]}, "/commands/0/command", "is required"),
        ({"commands": [sent("grant", "k")]}, "/commands/0/command", "must be the name of a command"),
        ({"commands": [{**sent("fund-asset", "k"), "key": 1}]}, "/commands/0/key", "unknown field"),
        ({"commands": [sent("fund-asset", "")]}, "/commands/0/idempotency_key", "1 to 200 printable"),
        ({"commands": [{**sent("fund-asset", "k"), "body": []}]}, "/commands/0/body", "must be an object"),
        ({"commands": [sent("fund-asset", "k", amount=1.5)]}, "/commands/0/body/amount", "must not be a JSON number"),
        ({"commands": [sent("fund-asset", "k")] * 2}, "/commands/1/idempotency_key", "must not be given twice"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_whole(content: object, pointer: str, detail: str, api: Api) -> None:
    refused = problem(api.post("/api/batches", json.dumps(content)), 422, "invalid-input")
    assert refused["errors"][0]["pointer"] == pointer
    assert detail in refused["errors"][0]["detail"]
    assert store.head().position == 0


def test_a_batch_has_limits_of_its_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    long = [sent("register-company", f"k{number}", name="A" * 150) for number in range(8_000)]
    assert len(json.dumps(long)) > 1024 * 1024
    monkeypatch.setattr(batch_body, "MAX_COMMANDS", 7_999)
    problem(post(api, long), 422, "invalid-input")
    monkeypatch.setattr(body_limits, "BATCH_MAX_BYTES", 1_000_000)
    assert problem(post(api, long), 413, "body-too-large")["limit_bytes"] == 1_000_000
    lines = api.post("/api/batches", '{"command": "x"}\n{', {"Content-Type": "application/x-ndjson"})
    assert "Line 2" in problem(lines, 400, "not-json")["detail"]
    problem(api.post("/api/batches", "{}", {"Content-Type": "text/plain"}), 400, "not-json")
    problem(api.post("/api/batches?atomic=yes", "{}"), 422, "invalid-input")
    taken = [slot for client in range(-9, 0) if (slot := slots.take(client, 60, SlotKind.FOLDING)) is not None]
    try:
        problem(post(api, long[:1]), 503, "too-many-streams")
    finally:
        for slot in taken:
            slot.give_back()


def test_a_batch_takes_few_statements(api: Api) -> None:
    seller, debtor = new_company(), new_company()
    commands = [command for number in range(1, 101) for command in invoice(number, seller, debtor)]
    with CaptureQueriesContext(connection) as queries:
        assert statuses(post(api, commands)) == [201] * 200
    stores_streams = 200 if connection.vendor == "sqlite" else 0  # SQLite's append looks at each stream by itself
    assert len(queries) < 40 + stores_streams


def test_a_batch_sent_again_reads_nothing_that_lies_between_its_keys(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    seller, debtor = new_company(), new_company()
    apart = [invoice(number, seller, debtor)[0] for number in range(1, 4)]
    for command in apart:
        assert statuses(post(api, [command])) == [201]
        between = [NewEvent(f"company-{seller}", CompanyRenamed(f"Name {number}")) for number in range(9)]
        store.append(between, Context("tester", "tests"))
    monkeypatch.setattr(appends, "_READ_AT_ONCE", 5)
    read: list[int] = []
    read_batch = store.read_batch

    def counting(**bounds: Any) -> list[RecordedEvent]:
        found = read_batch(**bounds)
        read.append(len(found))
        return found

    monkeypatch.setattr(store, "read_batch", counting)
    assert [result["replayed"] for result in post(api, apart).json()["results"]] == [True] * 3
    assert read == [1, 1, 1]
    monkeypatch.setattr(appends, "_READ_AT_ONCE", 1000)
    post(api, apart)
    assert read == [1, 1, 1, 21]
