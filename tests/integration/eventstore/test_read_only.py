"""A copy that can only be read can be verified and exported: a file, a folder, a role, a hot standby."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections

from eventstore import home
from tests.support import scratch
from tests.support.consumers.moving import connected_to_url, exported
from tests.support.databases import Database, connected_as, connected_to
from tests.support.ledger.paid_late import paid_late
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import OWNER

NOBODY = 65534
ON_SQLITE = pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="of a file")
ON_POSTGRESQL = pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="of a server")


REFUSED = "(can only be read: |read-?only[^;:]*; |: let this user [^;]*; or )run this on the ledger itself, whose"
"""A remedy for the file, if a file is at fault, and one for every copy."""


def verify_and_export(content: bytes) -> None:
    """Verify the copy, export it, and find that nothing can be written to it and that this is one clear error."""
    call_command("verify_eventstore")
    call_command("verify_ledger")
    assert exported() == content
    for command in (
        ("daily_cycle", "--catch-up"),
        ("run_projector", "--once"),
        ("run_processmanager", "late_fees", "--once"),
    ):
        with pytest.raises(CommandError, match=REFUSED):
            call_command(*command)
    with pytest.raises(DatabaseError, match=r"read-?only"):
        home.leave("tester", "a write")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may not write to files of root; every other user already is one."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def content(database: Database) -> bytes:
    """Return the export of a ledger, which is verified once, so that all code is loaded."""
    paid_late()
    call_command("verify_eventstore")
    call_command("verify_ledger")
    return exported()


@ON_SQLITE
def test_a_file_that_is_opened_to_be_read(database: Database, content: bytes) -> None:
    with connected_to_url(f"{database.url}?mode=ro"):
        verify_and_export(content)
    connection.close()
    with connected_to_url(f"{database.url}?mode=ro"):
        verify_and_export(content)


@ON_SQLITE
def test_a_file_in_a_folder_without_permission_to_write(database: Database, content: bytes) -> None:
    connection.close()
    folder = Path(tempfile.mkdtemp(prefix="daybook-read-only-", dir=scratch.quick()))
    copy = folder / "backup.sqlite3"
    shutil.copyfile(database.url.removeprefix("sqlite:///"), copy)
    copy.chmod(0o444)
    folder.chmod(0o555)
    with as_nobody(), connected_to_url(f"sqlite:///{copy}"):
        verify_and_export(content)
    assert [path.name for path in folder.iterdir()] == ["backup.sqlite3"]
    folder.chmod(0o755)
    shutil.rmtree(folder)


@ON_POSTGRESQL
def test_a_role_whose_transactions_are_read_only(database: Database, content: bytes) -> None:
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        name = connection.ops.quote_name(cursor.fetchone()[0])
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    connections.close_all()
    verify_and_export(content)
    with pytest.raises(CommandError, match="^the database 'default' can only be read: run this on the ledger itself"):
        call_command("migrate")
    call_command("migrate", plan=True)


@ON_POSTGRESQL
def test_a_hot_standby(cluster: Cluster, durable_database: Database) -> None:
    paid_late()
    content = exported()
    connection.close()
    cluster.stop()
    with Cluster(durable=False) as standby:
        standby.stop()
        standby.restore(cluster.backup())
        (standby.data / "standby.signal").touch()
        standby.start()
        with connected_to(Database(durable_database.url.replace(str(cluster.root), str(standby.root)), "postgresql")):
            verify_and_export(content)
