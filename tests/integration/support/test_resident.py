"""A fork of the resident process is like a process of its own: in its settings, its ends, its files and its signals."""

import os
import signal
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT
from tests.support.databases import Database
from tests.support.patience import wait_until
from tests.support.processes import RunManage, StartManage, manage

pytestmark = pytest.mark.one_database

PRINT = "from django.conf import settings; print(settings.CONSUMER_BATCH_SIZE)"


def test_settings_are_read_anew(run_manage: RunManage) -> None:
    assert run_manage("shell", "-v0", "-c", PRINT, env={"CONSUMER_BATCH_SIZE": "7"}).stdout == "7\n"
    assert run_manage("shell", "-v0", "-c", PRINT).stdout == "1000\n"


def test_the_consumers_that_the_settings_ask_for_are_registered(run_manage: RunManage) -> None:
    code = "from eventstore.consumers.registry import consumers; print(*consumers.names, sep='\\n')"

    def names(**env: str) -> set[str]:
        return set(run_manage("shell", "-v0", "-c", code, env=env).stdout.split())

    without = names()
    assert {"late_fees", "balances"} <= without
    assert names(SEAL_KEY="11" * 32, JETSTREAM_URL="nats://127.0.0.1:9", WEBHOOKS="true") - without == {
        *("seals", "jetstream", "webhooks")
    }


@pytest.mark.parametrize("env", [{"CONSUMER_BATCH_SIZE": "many"}, {"DATABASE_URL": "nonsense"}], ids=str)
def test_a_wrong_setting_is_refused_as_ever(env: dict[str, str], database: Database, run_manage: RunManage) -> None:
    alone = subprocess.run(manage("check"), env={**database.env, **env}, capture_output=True, text=True, check=False)
    done = run_manage("check", env=env, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert done.returncode == 1


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(3)", "1 / 0", "import os; os._exit(4)", "import os; os.abort()"]
)
def test_a_command_ends_as_it_would_alone(code: str, database: Database, run_manage: RunManage) -> None:
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
    alone = subprocess.run(command, cwd=ROOT, env=database.env, capture_output=True, text=True, check=False)
    done = run_manage("shell", "-v0", "-c", code, check=False)
    assert (done.returncode, done.stdout) == (alone.returncode, alone.stdout)
    assert done.stderr.splitlines()[-1:] == alone.stderr.splitlines()[-1:]


def test_what_is_registered_for_the_end_is_done(run_manage: RunManage) -> None:
    code = "import atexit; atexit.register(print, 'ended')"
    assert run_manage("shell", "-v0", "-c", code).stdout == "ended\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_gets_signals_and_says_how_it_ended(number: signal.Signals, start_manage: StartManage) -> None:
    process = start_manage("shell", "-v0", "-c", "import time; print('up'); time.sleep(600)")
    wait_until(lambda: process.output() == "up\n")
    assert os.getpgid(process.pid) == process.pid
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait() == -number
