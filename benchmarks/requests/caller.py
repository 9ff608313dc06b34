"""Calls the WSGI application in this process, as gunicorn does."""

import io
import json
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

Answer = Callable[..., Any]


class Caller:
    """Calls the WSGI application as gunicorn does, with a token."""

    def __init__(self, application: Answer, token: str) -> None:
        self._application, self._token = application, token
        self._company, self._account = str(uuid4()), str(uuid4())
        self._post("register-company", {"company_uuid": self._company, "name": "Source"})
        money = {"company_uuid": self._company, "amount": "100000000.00", "currency": "USD", "reference": "wire"}
        self._post("fund-company", money)
        account = {"account_uuid": self._account, "company_uuid": self._company, "label": "operating"}
        self._post("open-funding-account", account)
        self._post("activate-funding-account", {"account_uuid": self._account})

    def get(self) -> None:
        """Look at the company."""
        self._ask("GET", f"/api/companies/{self._company}")

    def grant(self) -> None:
        """Grant from the company to its account, under a new key."""
        to = {"to_company_uuid": self._company, "to_company_account_uuid": self._account, "amount": "1.00"}
        sources = [{"from_type": "company", "from_uuid": self._company}]
        self._post("grant-balances", {"reference": "benchmark", "sources": sources, "destinations": [to]})

    def list(self, name: str) -> None:
        """Look at the first hundred of a list."""
        self._ask("GET", f"/api/{name}", query="limit=100")

    def health(self) -> None:
        """Ask what does nothing."""
        self._ask("GET", "/healthz")

    def _post(self, name: str, body: dict[str, Any]) -> None:
        self._ask("POST", f"/api/commands/{name}", json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes = b"", query: str = "") -> None:
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if body:
            environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
            environ["HTTP_IDEMPOTENCY_KEY"] = str(uuid4())
        statuses: list[str] = []
        answer = self._application(environ, lambda status, _headers: statuses.append(status))
        content = b"".join(answer)
        answer.close()
        if statuses[0][:3] not in {"200", "201"}:
            raise RuntimeError(f"{path}: {statuses[0]} {content!r}")
