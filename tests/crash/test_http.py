"""A client that repeats with the same key is told the truth, whoever died in between: a worker or the database."""

import http.client
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import connections

from eventstore import store
from ledger import states
from tests.databases import Database
from tests.integration.api.calling import new_token
from tests.integration.ledger.portfolio import new_company
from tests.postgres import Cluster
from tests.webserver import Answer, Serve, WebServer

FUND: Final = "/api/commands/fund-company"
DYING: Final = Path(__file__).with_name("gunicorn_dying.py")


class Robot:
    """A client that sends again, with the same key, until it is told something."""

    def __init__(self, server: WebServer, company: UUID) -> None:
        self.server, self.company = server, company
        self.statuses: Counter[object] = Counter()
        self.token = new_token("robot")

    def fund(self, key: str) -> Answer | None:
        """Send once; None where the connection was lost."""
        body = {"company_uuid": str(self.company), "amount": "0.01", "currency": "USD", "reference": key}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        try:
            answer = self.server.ask("POST", FUND, body, headers)
        except (OSError, http.client.HTTPException):
            self.statuses["lost"] += 1
            return None
        self.statuses[answer.status] += 1
        return answer

    def fund_until_told(self, key: str) -> Answer:
        """Send until it is told to have been done, or refused."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = self.fund(key)
            if answer is not None and answer.status != 503:
                return answer
            time.sleep(0.05)
        message = f"no answer: {self.statuses}"
        raise AssertionError(message)


def test_a_worker_that_is_killed_between_commit_and_answer_has_done_it_and_its_repeat_is_told_so(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    server = serve(GUNICORN_CMD_ARGS=f"--config {DYING}", DIED=str(tmp_path / "died"))
    robot = Robot(server, new_company())
    before = store.head().position
    assert robot.fund("a key") is None
    assert (tmp_path / "died").exists()
    [event] = store.read_all(after=before)
    answer = robot.fund_until_told("a key")
    assert answer.status == 201
    assert answer.headers["Ledger-Position"] == str(event.position)
    assert answer.json()["events"][0]["payload"] == event.payload
    assert store.head().position == event.position


def test_a_crash_of_the_database_server_neither_loses_nor_doubles_what_is_repeated(
    durable_database: Database, cluster: Cluster, serve: Serve
) -> None:
    server = serve(WEB_THREADS="8")
    robot = Robot(server, new_company())
    told: dict[str, Answer] = {}
    stop = threading.Event()

    def work(number: int) -> None:
        each = 0
        while not stop.is_set():
            each += 1
            key = f"{number}-{each}"
            told[key] = robot.fund_until_told(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.8)
        cluster.kill()
        connections.close_all()
        cluster.start()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join(timeout=90)

    assert set(robot.statuses) <= {201, 503}, robot.statuses
    assert robot.statuses[503] > 0, "nobody noticed the crash"
    recorded = {event.payload["reference"]: event for event in store.read_all(types=["CompanyFunded"])}
    assert len(told) > 50
    assert set(recorded) == set(told)
    for key, answer in told.items():
        [event] = answer.json()["events"]
        assert (event["position"], event["version"]) == (recorded[key].position, recorded[key].version)
    assert states.company(robot.company).state.balance * 100 == len(told)
    positions = [event.position for event in store.read_all()]
    assert positions == list(range(1, len(positions) + 1))
    connections.close_all()
