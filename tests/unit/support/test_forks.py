"""Tests that run in forks are reported as pytest reports them; what tests share in a fork is made and ended once."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.processes import ROOT

TESTS = """
import logging
import os
import pytest

logging.getLogger("before").addHandler(logging.StreamHandler())

@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    yield folder
    with open(os.environ["ENDED"], "a") as file:
        file.write(f"{os.getpid()}\\n")

@pytest.mark.parametrize("number", range(20))
def test_passes(shared, tmp_path, number):
    assert shared.exists() and os.getpid() != int(os.environ["LOADED_BY"])

def test_fails():
    print("written", "by the test")
    logging.getLogger("before").error("logged %s", "by the test")
    assert os.getppid() == 0

def test_ends_its_process():
    os._exit(3)

def test_is_skipped():
    pytest.skip("for a reason")

@pytest.mark.parametrize("number", range(20))
def test_passes_too(shared, number):
    pass
"""
LOADING = "import os\n\nos.environ['LOADED_BY'] = str(os.getpid())\n"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(LOADING)
    (folder / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", str(folder), "-p", "no:django"]
    command += ["-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "tests.plugins.forks", *options, str(folder)]
    environment = {"PYTHONPATH": str(ROOT), "ENDED": str(folder / "ended")}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_test_runs_once_in_a_fork_and_is_reported(tmp_path: Path) -> None:
    done = run(tmp_path, "-v", "--forks", "3")
    assert done.returncode == 1
    assert "2 failed, 40 passed, 1 skipped in" in done.stdout, done.stdout + done.stderr
    ran = re.findall(r"^\[forks\d] \[ *\d+%] (PASSED|FAILED|SKIPPED) .*::(\S+)", done.stdout, re.MULTILINE)
    assert len(ran) == len({name for _, name in ran}) == 43
    assert "assert os.getppid() == 0" in done.stdout
    assert "written by the test" in done.stdout
    said = done.stdout.partition("Captured stderr call")[2]
    assert said.split("\n")[1] == "logged by the test"  # by a handler that writes where the tests were loaded
    assert re.search(r"the process that ran \S+::test_ends_its_process has ended", done.stdout)
    ended = (tmp_path / "ended").read_text().split()
    assert len(set(ended)) >= 2  # all but the one that ended in the middle of a test


def test_the_first_failure_ends_the_run_if_it_is_to(tmp_path: Path) -> None:
    done = run(tmp_path, "-x", "--forks", "2", "-k", "fails or passes_too")
    assert done.returncode == 1
    assert "stopping after 1 failures" in done.stdout, done.stdout + done.stderr
    assert done.stderr == ""
