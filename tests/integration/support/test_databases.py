"""The test infrastructure itself: which database is used, and that each test has its own."""

import os
import threading

from django.contrib.auth.models import User
from django.db import connection, connections

from tests.support.databases import Database
from tests.support.patience import wait_until
from tests.support.processes import RunManage, StartManage


def test_the_run_uses_the_database_that_it_was_started_for(database: Database) -> None:
    assert connection.vendor == os.environ["DAYBOOK_TEST_VENDOR"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT version()" if database.vendor == "postgresql" else "SELECT sqlite_version()")
        assert cursor.fetchone()


def test_what_one_test_commits_no_other_sees_first(database: Database) -> None:
    assert not User.objects.exists()
    User.objects.create(username="one")


def test_what_one_test_commits_no_other_sees_second(database: Database) -> None:
    assert not User.objects.exists()
    User.objects.create(username="two")


def test_threads_and_processes_see_the_same_database(database: Database, run_manage: RunManage) -> None:
    def write() -> None:
        User.objects.create(username="thread")
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert User.objects.get().username == "thread"
    done = run_manage(
        "shell", "-v0", "-c", "from django.contrib.auth.models import User; print(User.objects.get().username)"
    )
    assert done.stdout.strip() == "thread"


def test_read_models_can_have_a_database_of_their_own(read_database: Database, run_manage: RunManage) -> None:
    User.objects.using("read").create(username="reader")
    assert not User.objects.exists()
    code = "from django.contrib.auth.models import User; print(User.objects.using('read').get().username)"
    assert run_manage("shell", "-v0", "-c", code).stdout.strip() == "reader"


def test_a_started_process_can_be_killed(start_manage: StartManage) -> None:
    process = start_manage("shell", "-v0", "-c", "import time; print('up'); time.sleep(60)")
    wait_until(lambda: "up" in process.output())
    process.kill_group()
    assert process.returncode == -9
