"""Each command of the pages for operators prints what the page says; the pages are typed one after the other."""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.support.databases import Database
from tests.support.documents import pages
from tests.support.documents.terminal import compare, free_port, outputs, quick_manage, quick_python
from tests.support.ledger.portfolio import new_company
from tests.support.postgres import cluster as postgres
from tests.support.postgres.roles import SUPERUSER, as_role
from tests.support.webserver import serving

FIRST = "docs/how-to/README.md"
IN_ORDER = [
    page for page in pages.TYPED if page not in {FIRST, "README.md", "docs/tour.md", "docs/how-to/write-a-client.md"}
]
BACKUP = "docs/how-to/back-up-and-restore.md"
PRODUCTION = {"SECRET_KEY": "long enough to please those who check it, and not in use anywhere else"}
"""The environment variables of production."""
PLACEHOLDER = "postgres://daybook:password@database.internal:5432/daybook"
"""The URL in the pages that stands for the reader's own."""
SUPERUSERS = "postgres://postgres:password@database.internal:5432/postgres"
OF_A_REPLICA = {"eventstore_replica_reads_total", "daybook_log_replica_up", "daybook_log_replica_lag_events"}
"""Metrics that are there only with LOG_REPLICA_URL."""
CONSUMERS = "manage.py run_processmanager late_fees --once; manage.py run_projector --once"
"""The consumers that a real installation runs all the time."""


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has a database of its own")
def test_each_command_of_the_operators_pages_prints_what_the_page_says(tmp_path: Path) -> None:
    environment = {**os.environ, **PRODUCTION, "DATABASE_URL": f"sqlite:///{tmp_path}/invoices.sqlite3"}
    steps = pages.steps(FIRST)
    typed = [step.command for step in steps]
    quick_python(tmp_path)
    with serving(environment, tmp_path) as server:
        port = free_port()
        typed[-1] += "unset DEBUG\n"
        for page in IN_ORDER:
            if page != BACKUP or shutil.which("sqlite3"):
                further = pages.steps(page)
                steps += further
                for step in further:
                    command = step.command.replace("https://ledger.example", server.url)
                    typed.append(re.sub(r"(port |:)4222", rf"\g<1>{port}", command))
                typed[-1] += CONSUMERS
        *seen, metrics = outputs([*typed, f"ask {server.url}/metrics"], tmp_path, environment)
    compare(steps, seen)
    named = set(re.findall(r"\b(?:daybook|eventstore)_[a-z_]+", pages.text("docs/how-to/monitor.md")))
    assert len(named) > 10
    assert {name for name in named if name not in metrics} == OF_A_REPLICA


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="dumps a PostgreSQL database")
def test_a_dump_is_taken_and_restored_as_the_page_says(database: Database, tmp_path: Path) -> None:
    new_company("100.00")
    owner = database.owners["DATABASE_URL"]
    restored = urlunsplit(urlsplit(owner)._replace(path="/daybook_restored"))
    server = as_role(urlunsplit(urlsplit(owner)._replace(path="/postgres")), SUPERUSER)
    binaries = f"{postgres.binaries()}:{os.environ['PATH']}"
    steps = pages.steps(BACKUP, "postgresql")
    typed = [
        step.command.replace(f"{PLACEHOLDER}_restored", restored)
        .replace(PLACEHOLDER, owner)
        .replace(SUPERUSERS, f"'{server}'")
        for step in steps
    ]
    typed[0] = f"{quick_manage()}\n{typed[0]}"
    seen = outputs(
        [*typed, f"dropdb --maintenance-db={server!r} daybook_restored"], tmp_path, {**database.env, "PATH": binaries}
    )
    compare(steps, seen[:-1])
