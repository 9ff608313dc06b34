"""Clients of the soak: each repeats a command under one key until it is answered; another one reads the log."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any, Final
from uuid import UUID

from benchmarks.soak.processes import PORTS

_QUERIES: Final = 0.2
"""The part of the requests that are queries."""
_BATCHES: Final = 0.03
"""The part of the requests that are batches."""
_IN_A_BATCH: Final = 10
FIRST_DATE: Final = date(2026, 3, 2)
"""The first business date, on which all products are due."""
_OK: Final = (200, 201)
_TRY_AGAIN: Final = (429, 500, 502, 503, 504)


@dataclass(slots=True)
class Portfolio:
    """What the commands name."""

    companies: Sequence[UUID]
    accounts: Sequence[tuple[UUID, UUID]]
    """Company and account."""
    products: Sequence[UUID]


@dataclass(slots=True)
class Noted:
    """What the clients have seen."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    """The position of the last event, by idempotency key."""
    refused: int = 0
    repeated: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Client(threading.Thread):
    """Asks one thing after the other until it is stopped."""

    def __init__(self, number: int, token: str, portfolio: Portfolio, stop: threading.Event, pause_s: float) -> None:
        super().__init__(daemon=True)
        self.noted = Noted()
        self._number, self._portfolio, self._stopped, self._pause_s = number, portfolio, stop, pause_s
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._chance, self._asked = Random(number), 0
        self._connection = http.client.HTTPConnection("127.0.0.1", PORTS[number % 2], timeout=30)

    def run(self) -> None:
        """Ask until stopped; what is under way is asked until it is answered."""
        while not self._stopped.is_set():
            self._asked += 1
            kind = self._chance.random()
            if kind < _QUERIES:
                self._ask("GET", self._query(), None, {})
            elif kind < _QUERIES + _BATCHES:
                self._ask("POST", "/api/batches", {"commands": list(self._batch())}, {})
            else:
                command, body = self._command()
                key = f"{self._number}/{self._asked}"
                self._ask("POST", f"/api/commands/{command}", body, {"Idempotency-Key": key})
            time.sleep(self._chance.random() * 2 * self._pause_s)

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        content = None if body is None else json.dumps(body).encode()
        for attempt in range(600):
            began = time.monotonic()
            try:
                self._connection.request(method, path, content, {**self._headers, **headers})
                answer = self._connection.getresponse()
                status, text = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                status, text = 503, b""
            if status not in _TRY_AGAIN:
                if attempt == 0:
                    self.noted.latencies_ms.append((time.monotonic() - began) * 1000)
                if path == "/api/batches" and status in _OK:
                    self._note_batch(body["commands"], json.loads(text)["results"])
                else:
                    self._note(method, status, text, headers.get("Idempotency-Key", ""))
                return
            self.noted.repeated += 1
            time.sleep(0.2)
        self.noted.faults.append(f"{method} {path} was not answered in 600 attempts")

    def _note(self, method: str, status: int, text: bytes, key: str) -> None:
        if method == "POST" and status in _OK:
            self.noted.acknowledged[key] = json.loads(text)["position"]
        elif method == "POST" and status in {409, 422}:
            self.noted.refused += 1
        elif status not in _OK:
            self.noted.faults.append(f"{method} was answered {status}: {text[:300]!r}")

    def _note_batch(self, sent: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> None:
        for command, result in zip(sent, results, strict=True):
            self._note("POST", result["status"], json.dumps(result).encode(), command["idempotency_key"])

    def _query(self) -> str:
        some = self._chance.choice(self._portfolio.companies)
        product = self._chance.choice(self._portfolio.products)
        paths = (
            f"/api/companies/{some}",
            f"/api/companies/{some}?as_of={FIRST_DATE}",
            f"/api/products/{product}",
            "/api/products?limit=20",
            "/api/trial-balance",
            "/api/events?limit=20",
        )
        return self._chance.choice(paths)

    def _batch(self) -> Iterator[dict[str, Any]]:
        for number in range(_IN_A_BATCH):
            command, body = self._command()
            yield {"command": command, "idempotency_key": f"{self._number}/{self._asked}/{number}", "body": body}

    def _command(self) -> tuple[str, dict[str, Any]]:
        chance, known = self._chance, self._portfolio
        amount = f"{chance.randint(1, 5000) / 100:.2f}"
        company, (owner, account) = str(chance.choice(known.companies)), chance.choice(known.accounts)
        paid = {"amount": amount, "reference": "soak"}
        kind = chance.choices(("fund-company", "grant-balances", "pay-out-funds", "apply-payment"), (4, 6, 4, 1))[0]
        if kind == "fund-company":
            return kind, {"company_uuid": company, **paid}
        if kind == "pay-out-funds":
            return kind, {"account_uuid": str(account), **paid}
        if kind == "apply-payment":
            return kind, {"product_uuid": str(chance.choice(known.products)), "amount": "0.01", "reference": "soak"}
        sources = [{"from_type": "company", "from_uuid": str(one)} for one in chance.sample(list(known.companies), 2)]
        to = {"to_company_uuid": str(owner), "to_company_account_uuid": str(account), "amount": amount}
        return kind, {"reference": "soak", "sources": sources, "destinations": [to]}


class Follower(threading.Thread):
    """Reads the log page by page, from either web, until it is stopped; what it has read must stay so."""

    def __init__(self, token: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.seen: list[tuple[int, str, int, str]] = []
        """Position, stream, version, and the moment at which it was recorded."""
        self._headers, self._stopped = {"Authorization": f"Bearer {token}"}, stop

    def run(self) -> None:
        """Read until stopped."""
        for asked in itertools.count():
            if self._stopped.wait(1):
                return
            connection = http.client.HTTPConnection("127.0.0.1", PORTS[asked % 2], timeout=30)
            after = self.seen[-1][0] if self.seen else 0
            with suppress(OSError, http.client.HTTPException, ValueError):
                connection.request("GET", f"/api/events?limit=500&after={after}", headers=self._headers)
                answer = connection.getresponse()
                items = json.load(answer)["items"] if answer.status in _OK else []
                self.seen += [(one["position"], one["stream_id"], one["version"], one["recorded_at"]) for one in items]
            connection.close()


def wait_until_served(timeout_s: float = 60) -> None:
    """Return as soon as both answer."""
    deadline = time.monotonic() + timeout_s
    silent = set(PORTS)
    while silent and time.monotonic() < deadline:
        for port in list(silent):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:  # noqa: PLR2004 - HTTP's own number
                    silent.discard(port)
        time.sleep(0.2)
    if silent:
        raise TimeoutError("the web does not answer")
