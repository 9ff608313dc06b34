"""A client that repeats with the same key gets the true answer, even after a worker or the database has died."""

import http.client
import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
import pytest
from django.db import connection, connections
from pytest_django.fixtures import Settings

from eventstore import store
from ledger import states
from tests.crash.store.losing import LostAtCommit, LostBefore
from tests.support.api.calling import Api, new_token, problem
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_company
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.postgres.cluster import Cluster
from tests.support.rounds import rounds
from tests.support.webserver import Answer, Serve, WebServer

FUND: Final = "/api/commands/fund-company"
DYING: Final = Path(__file__).with_name("gunicorn_dying.py")
ENOUGH: Final = rounds(50)
"""So many commands are answered between two crashes of the database server, which meet others that are not."""


class Robot:
    """A client that repeats a request with the same key until it is answered."""

    def __init__(self, server: WebServer, company: UUID) -> None:
        self.server, self.company = server, company
        self.statuses: Counter[object] = Counter()
        self.token = new_token("robot")

    def fund(self, key: str) -> Answer | None:
        """Send once; return None if the connection was lost."""
        body = {"company_uuid": str(self.company), "amount": "0.01", "currency": "USD", "reference": key}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        try:
            answer = self.server.ask("POST", FUND, body, headers)
        except (OSError, http.client.HTTPException):
            self.statuses["lost"] += 1
            return None
        self.statuses[answer.status] += 1
        return answer

    def fund_until_answered(self, key: str) -> Answer:
        """Send until the answer is not 503."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = self.fund(key)
            if answer is not None and answer.status != 503:
                return answer
            time.sleep(0.05)
        message = f"no answer: {self.statuses}"
        raise AssertionError(message)


def test_a_repeat_returns_the_recorded_event_if_the_worker_died_before_its_answer(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    server = serve(GUNICORN_CMD_ARGS=f"--config {DYING}", DIED=str(tmp_path / "died"))
    robot = Robot(server, new_company())
    before = store.head().position
    assert robot.fund("a key") is None
    assert (tmp_path / "died").exists()
    [event] = store.read_all(after=before)
    answer = robot.fund_until_answered("a key")
    assert answer.status == 201
    assert answer.headers["Ledger-Position"] == str(event.position)
    assert answer.json()["events"][0]["payload"] == event.payload
    assert store.head().position == event.position


def test_a_crash_of_the_database_server_neither_loses_nor_duplicates_a_repeated_command(
    durable_database: Database, cluster: Cluster, serve: Serve
) -> None:
    server = serve(WEB_THREADS="8")
    robot = Robot(server, new_company())
    answers: dict[str, Answer] = {}
    stop = threading.Event()

    def work(number: int) -> None:
        each = 0
        while not stop.is_set():
            each += 1
            key = f"{number}-{each}"
            answers[key] = robot.fund_until_answered(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        _wait_for_answers(answers)
        cluster.kill()
        connections.close_all()
        cluster.start()
    _wait_for_answers(answers)
    stop.set()
    for thread in threads:
        thread.join(timeout=PATIENCE_S)

    assert set(robot.statuses) <= {201, 503}, robot.statuses
    assert robot.statuses[503] > 0, "no client noticed the crash"
    recorded = {event.payload["reference"]: event for event in store.read_all(types=["CompanyFunded"])}
    assert set(recorded) == set(answers)
    for key, answer in answers.items():
        [event] = answer.json()["events"]
        assert (event["position"], event["version"]) == (recorded[key].position, recorded[key].version)
    assert states.company(robot.company).state.balance * 100 == len(answers)
    positions = [event.position for event in store.read_all()]
    assert positions == list(range(1, len(positions) + 1))
    connections.close_all()


def _wait_for_answers(answers: dict[str, Answer]) -> None:
    before = len(answers)
    wait_until(lambda: len(answers) > before + ENOUGH)


class TestALostConnection:
    """The connection to the database is lost during a request."""

    @pytest.fixture
    def api(self, database: Database) -> Api:
        if database.vendor != "postgresql":
            pytest.skip("SQLite has no connection to lose")
        return Api(new_token("robot"))

    def test_during_the_append_leaves_the_outcome_unknown_until_the_command_is_repeated(self, api: Api) -> None:
        with LostBefore("eventstore_append"):
            answer = api.command("register-company", {"name": "Acme"}, key="a key")
        unknown = problem(answer, 503, "outcome-unknown")
        assert "Repeat it with the same key" in unknown["detail"]
        assert answer["Retry-After"] == "1"
        assert store.head().position == 0
        assert api.command("register-company", {"name": "Acme"}, key="a key").status_code == 201
        assert api.command("register-company", {"name": "Acme"}, key="a key").status_code == 201
        assert store.head().position == 1

    @pytest.mark.parametrize("attempts", [5, 1])
    def test_at_the_commit_of_a_batch_is_answered_with_what_was_recorded_or_as_unknown(
        self, api: Api, settings: Settings, attempts: int
    ) -> None:
        settings.COMMAND_MAX_ATTEMPTS = attempts  # the last attempt commits on its own
        commands = [
            {"command": "register-company", "idempotency_key": name, "body": {"name": name}} for name in ("A", "B")
        ]
        body = json.dumps({"commands": commands})
        with LostAtCommit(after=False):
            unknown = problem(api.post("/api/batches", body), 503, "outcome-unknown")
        assert "Repeat it with the same key" in unknown["detail"]
        assert store.head().position == 0
        with LostAtCommit(after=True):
            recorded = api.post("/api/batches", body)
        again = api.post("/api/batches", body)
        for answer, replayed in ((recorded, False), (again, True)):
            results = answer.json()["results"]
            assert [(one["status"], one.get("replayed", False)) for one in results] == [(201, replayed)] * 2
            assert [one["position"] for one in results] == [1, 2]
        assert store.head().position == 2

    def test_before_the_append_changes_nothing_and_is_answered_as_database_away(self, api: Api) -> None:
        body = {"company_uuid": str(new_company()), "name": "Acme"}
        api.command("rename-company", body, key="warm")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        parameters = connection.get_connection_params()
        where = {"host": parameters["host"], "dbname": parameters["dbname"], "user": "postgres"}
        with psycopg.connect(**where, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        problem(api.command("rename-company", body, key="a key"), 503, "database-away")
        connections.close_all()  # as Django does between two requests
        assert api.command("rename-company", body, key="a key").status_code == 201
        assert store.head().position == 3
