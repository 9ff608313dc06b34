"""No address and no command shows an event that is not durable: each is asked while the synchronous standby hangs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.records import Context, NewEvent
from ledger.rules.commands import (
    ActivateDeal,
    CreateDeal,
    FundCompany,
    OpenFundingAccount,
    RegisterAsset,
    RegisterCompany,
)
from ledger.rules.events import CompanyRegistered, DealCompany
from tests.support.api.calling import new_token
from tests.support.databases import Database
from tests.support.ledger.portfolio import do, new_company, origination
from tests.support.patience import PATIENCE_S
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.standby import hanging_standby
from tests.support.routes import patterns

FILLER = 1300
"""So many events before: the positions of the next ones are no other numbers."""
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
FORMS = ("/add/", "/delete/", "/history/", "/<path:object_id>/")
"""What the admin refuses for every model of the log, or redirects."""
ENDLESS = "api/events/stream"
COMMANDS = (("consumers",), ("consumers", "--json"), ("verify_eventstore",), ("verify_ledger",))
SHOWN = {
    "metrics",
    "admin/eventstore/event/",
    "admin/eventstore/event/<path:object_id>/change/",
    "admin/eventstore/checkpoint/",
    "admin/projectors/company/",
    "api/events",
    "api/companies",
    "api/companies/<uuid>",
    "api/products",
    "api/journal",
    "api/consumers",
    "books/",
    "books/log",
    "books/log/<int:position>",
    "books/customers",
    "books/balances/<category:category>/<uuid:uuid>",
    "books/consumers",
}
"""Some addresses that do show the newest events once they are durable; otherwise this test would look for nothing."""


@contextmanager
def not_durable() -> Iterator[None]:
    """Let this thread's commits return before they are durable."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        yield
        cursor.execute("SET synchronous_commit = on")


def record_everything() -> dict[str, str]:
    """Record one entity of each kind, and return their uuids by the names that addresses use."""
    uuids = {name: uuid4() for name in ("companies", "assets", "accounts", "deals")}
    company = uuids["companies"]
    with transaction.atomic():
        do(RegisterCompany(company, "Undurable"))
        do(FundCompany(company, Decimal("12.00"), "capital", "USD"))
        do(RegisterAsset(uuids["assets"], Decimal("100.00"), company, new_company(), "invoice", "USD"))
        do(OpenFundingAccount(uuids["accounts"], company, "operating"))
        do(CreateDeal(uuids["deals"], 1, (DealCompany(company, "debtor"),)))
        do(ActivateDeal(uuids["deals"]))
        product = origination(uuids["deals"])
        do(product)
    catch_up()
    return {name: str(uuid) for name, uuid in {**uuids, "products": product.product_uuid}.items()}


def addresses(uuids: Mapping[str, str]) -> dict[str, str]:
    """Return an address for each pattern, about the newest entities and the newest event."""
    head = str(store.head().position)
    others = {"category": "company", "content_type_id": "1", "id": "1", "slug": "unauthenticated", "name": "directory"}
    others |= {"position": head, "first": head, "last": head, "command": "register-company", "app_label": "eventstore"}

    def value(pattern: str, name: str) -> str:
        kind = next((kind for kind in uuids if f"/{kind}/" in pattern), "companies")
        if name.endswith("uuid"):
            return uuids[kind]
        if name == "stream_id":
            return f"company-{uuids['companies']}"
        return newest_row(pattern, head) if name == "object_id" else others.get(name, "1")

    found = {}
    for pattern in patterns():
        plain = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", pattern)
        if "<url>" not in plain and not plain.endswith(FORMS):
            found[pattern] = "/" + PARAMETER.sub(lambda match, plain=plain: value(plain, match[1]), plain)  # type: ignore[misc] # mypy infers no default of a lambda
    return found


def newest_row(pattern: str, head: str) -> str:
    """Return the key of the newest row of the model that a page of the admin shows."""
    _, app, model, *_ = pattern.split("/")
    if (app, model) == ("eventstore", "event"):
        return head
    if app == "r":
        return "1"
    newest = apps.get_model(app, model).objects.order_by("-pk").first()
    return "1" if newest is None else str(newest.pk)


def answered(client: Client, path: str, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if path.startswith(("/api", "/metrics")) else {}
    response: Any = client.get(path, headers=headers)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, f"{response.headers}\n{content.decode(errors='replace')}"


def printed(*command: str) -> str:
    """Return what a command prints before it ends with the error that the events are not durable."""
    out = StringIO()
    with pytest.raises(CommandError, match="not become durable"):
        call_command(*command, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_every_address_and_command_waits_for_what_it_shows(
    durable_database: Database, cluster: Cluster, settings: Any, tmp_path: Path
) -> None:
    assert durable_database.vendor == "postgresql"
    token, client = new_token("robot"), Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("auditor"))
    filler = [NewEvent(f"company-{uuid4()}", CompanyRegistered("Filler")) for _ in range(FILLER)]
    store.append(filler, Context("tester", "tests"))
    catch_up()
    with hanging_standby(cluster), not_durable():
        uuids = record_everything()
        waiting = Thread(target=_wait_for_the_head)
        waiting.start()
        settings.APPEND_LOCK_TIMEOUT_MS = 1
        asked = addresses(uuids)
        marks = ("Undurable", *uuids.values(), *map(str, range(FILLER + 1, store.head().position + 1)))
        mark = re.compile(rf"(?<![\w-])({'|'.join(marks)})(?![\w-])")

        def showing() -> dict[str, int]:
            answers = {pattern: answered(client, path, token) for pattern, path in asked.items() if pattern != ENDLESS}
            return {
                pattern: status for pattern, (status, text) in answers.items() if status < 400 and mark.search(text)
            }

        assert showing() == {}
        assert [printed(*command) for command in COMMANDS] == [""] * len(COMMANDS)
        assert printed("export_log", str(tmp_path / "log")) == ""
        assert list(tmp_path.iterdir()) == []
    waiting.join(PATIENCE_S)
    assert set(showing()) >= SHOWN


def _wait_for_the_head() -> None:
    """Run the barrier that all others would share; it hangs with the standby."""
    try:
        store.durable_head()
    finally:
        connections.close_all()
