"""/metrics counts requests by route, appends, and consumers, over all processes together."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from eventstore import store
from eventstore.clock import utc_now
from eventstore.errors import WrongExpectedVersion
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent
from ledger import clients, handlers
from ledger.rules.commands import RegisterCompany
from ledger.rules.events import CompanyRegistered
from ledger.rules.facts import stream_id
from relays.log_id import log_id
from relays.models import Follower
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_company
from tests.support.patience import wait_until
from tests.support.webserver import Serve

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Return each value by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture
def token(database: Database) -> str:
    """Return the token of a client that may only read."""
    return clients.token(clients.create("prometheus", []))


def scraped(token: str) -> Samples:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return samples(answer.text)


def test_metrics_need_the_permission_to_read_the_ledger(token: str) -> None:
    assert Client().get("/metrics").status_code == 401
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    clerk = Client()
    clerk.force_login(User.objects.create_user("clerk", is_staff=True))
    assert clerk.get("/metrics").status_code == 403
    assert Client().post("/metrics").status_code == 405


def test_requests_are_counted_by_route_and_never_by_path(token: str) -> None:
    labels = {"method": "GET", "route": "/api/companies/<uuid>", "status": "401"}
    before = scraped(token).get(("daybook_http_requests_total", frozenset(labels.items())), 0)
    for _ in range(3):
        Client().get(f"/api/companies/{uuid4()}?as_of=1")
    Client().generic("BREW", "/coffee/pot")
    found = scraped(token)
    assert of(found, "daybook_http_requests_total", **labels) == before + 3
    assert of(found, "daybook_http_request_duration_seconds_count", **labels) == before + 3
    assert of(found, "daybook_http_requests_total", method="other", route="none", status="404") >= 1
    routes = {dict(labels).get("route", "") for name, labels in found if name == "daybook_http_requests_total"}
    assert not [route for route in routes if re.search(r"[0-9a-f]{8}-|coffee|as_of", route)]


def test_a_consumers_lag_state_and_failure_are_shown(token: str) -> None:
    for number in range(4):
        handlers.execute(RegisterCompany(uuid4(), f"company {number}"), actor="test")
    Checkpoint.objects.create(
        name="late_fees",
        kind="process_manager",
        position=1,
        registered_at=utc_now(),
        registered_position=0,
        last_seen=utc_now() - timedelta(seconds=1),
        error_position=2,
        error_message="it broke",
        error_count=3,
    )
    last = store.head().recorded_at
    assert last is not None
    wait_until(lambda: utc_now() - last > timedelta(milliseconds=1))  # a lag is rounded to milliseconds
    found = scraped(token)
    late_fees = {"consumer": "late_fees", "kind": "process_manager"}
    assert of(found, "daybook_head_position") == 4
    assert of(found, "daybook_consumer_lag_events", **late_fees) == 3
    assert of(found, "daybook_consumer_lag_seconds", **late_fees) > 0
    assert of(found, "daybook_consumer_failed", **late_fees) == 1
    assert of(found, "daybook_consumer_errors_total", **late_fees) == 3
    assert of(found, "daybook_consumer_state", **late_fees, state="stopped") == 1
    assert of(found, "daybook_consumer_state", **late_fees, state="running") == 0
    assert of(found, "daybook_consumer_failed", consumer="journal", kind="projector") == 0


def test_a_follower_in_this_database_shows_its_state_and_its_lag_if_it_follows_this_log(token: str) -> None:
    new_company("1.00")
    Follower.objects.create(name="own", store=log_id(), position=1, last_seen=utc_now())
    Follower.objects.create(name="other", store="another", position=7)
    found = scraped(token)
    assert of(found, "daybook_follower_position", follower="other") == 7
    assert of(found, "daybook_follower_state", follower="other", state="stopped") == 1
    assert of(found, "daybook_follower_state", follower="own", state="running") == 1
    assert of(found, "daybook_follower_lag_events", follower="own") == of(found, "daybook_head_position") - 1
    assert ("daybook_follower_lag_events", frozenset({("follower", "other")})) not in found


def test_the_counts_of_several_processes_are_added_up(serve: Serve) -> None:
    server = serve(WEB_WORKERS="2", WEB_THREADS="4")
    server.headers["Authorization"] = f"Bearer {clients.token(clients.create('robot', ['ledger.register_company']))}"

    def register(number: int) -> int:
        body = {"company_uuid": str(uuid4()), "name": f"company {number}"}
        return server.ask("POST", "/api/commands/register-company", body).status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(register, range(40))) == {201}
    for _ in range(3):  # whichever process answers
        found = samples(server.ask("GET", "/metrics").body.decode())
        assert of(found, "eventstore_appends_total") == 40
        assert of(found, "eventstore_events_appended_total") == 40
        labels = {"method": "POST", "route": "/api/commands/register-company", "status": "201"}
        assert of(found, "daybook_http_requests_total", **labels) == 40


def test_a_conflict_is_counted(token: str) -> None:
    before = of(scraped(token), "eventstore_append_conflicts_total")
    stream = stream_id("company", uuid4())
    with pytest.raises(WrongExpectedVersion):
        store.append([NewEvent(stream, CompanyRegistered("x"))], Context("a", "b"), expected={stream: 7})
    assert of(scraped(token), "eventstore_append_conflicts_total") == before + 1
