"""Runs the tests in forks of the process that has loaded them: `pytest -p tests.plugins.forks --forks 2 …` (Unix).

Processes that load all tests anew, as those of pytest-xdist do, take seconds of processor time each.
"""

import atexit
import logging
import os
import random
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from types import SimpleNamespace
from typing import IO, Any, Final, NoReturn

import pytest

from tests.support.forking import end

_NAME: Final = "forks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --forks."""
    parser.addoption("--forks", type=int, default=0, metavar="N", help="run the tests in N forks; 0: in this process")


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in forks; return None if pytest is to run them itself."""
    number = min(session.config.getoption("forks"), len(session.items))
    if number < 1 or session.config.option.collectonly or session.testsfailed:
        return None
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined] # all forks make their folders in one
    _Run(session, number).run()
    return True


class _Fork:
    """A process that runs tests, and what it has yet to run.

    It runs a test only once it knows the test that follows, for which it may keep fixtures.
    """

    def __init__(self, number: int, queue: deque[int]) -> None:
        name = f"{_NAME}{number}"
        self.node = SimpleNamespace(gateway=SimpleNamespace(id=name), _workerinfocache=f"[{name}]")  # for pytest
        self.number, self.queue = number, queue
        self.running: deque[int] = deque()
        self.has_all = False


class _Run:
    """The tests of a session, divided among forks; one that has none left takes half of what another has left."""

    def __init__(self, session: pytest.Session, number: int) -> None:
        self._session, self._config = session, session.config
        self._forks: dict[Connection[Any, Any], _Fork] = {}
        self._pids: dict[Connection[Any, Any], int] = {}
        share = -(-len(session.items) // number)
        parts = [range(len(session.items))[start : start + share] for start in range(0, len(session.items), share)]
        self._waiting = [_Fork(place, deque(part)) for place, part in enumerate(parts)]

    def run(self) -> None:
        """Run all tests, or up to the failure at which the session is to stop."""
        try:
            for fork in self._waiting:
                self._begin(fork)
            while self._forks:
                for connection in wait(list(self._forks)):
                    assert isinstance(connection, Connection)
                    self._hear(connection)
                self._check()
        finally:
            for connection in list(self._forks):
                self._end(connection)

    def _check(self) -> None:
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _begin(self, fork: _Fork) -> None:
        ours, theirs = Pipe()
        pid = os.fork()
        if pid == 0:
            for connection in (ours, *self._forks):
                connection.close()
            _work(self._session, theirs, fork.number)
        theirs.close()
        self._forks[ours], self._pids[ours] = fork, pid
        self._give(ours, fork)
        self._give(ours, fork)

    def _give(self, connection: "Connection[Any, Any]", fork: _Fork) -> None:
        """Give a fork its next test, or None if no test is left."""
        if fork.has_all:
            return
        if not fork.queue:
            longest = max((other.queue for other in self._forks.values()), key=len)
            for _ in range(len(longest) // 2):
                fork.queue.appendleft(longest.pop())
        fork.has_all = not fork.queue
        if not fork.has_all:
            fork.running.append(fork.queue.popleft())
        connection.send(None if fork.has_all else fork.running[-1])

    def _hear(self, connection: "Connection[Any, Any]") -> None:
        fork = self._forks[connection]
        try:
            kind, content = connection.recv()
        except (EOFError, ConnectionError):
            self._end(connection)
            if fork.running:
                self._replace(fork)
            return
        if kind == "report":
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=content)
            self._report(report, fork)
        elif kind == "failure":
            raise RuntimeError(content)
        else:
            fork.running.popleft()
            self._give(connection, fork)

    def _report(self, report: pytest.TestReport, fork: _Fork) -> None:
        report.node = fork.node  # type: ignore[attr-defined] # as pytest-xdist does, whose reports pytest shows
        self._config.hook.pytest_runtest_logreport(report=report)

    def _replace(self, fork: _Fork) -> None:
        """Report the test in which a fork has ended, and let another one run what it had left."""
        item = self._session.items[fork.running.popleft()]
        message = f"the process that ran {item.nodeid} has ended"
        where = item.location
        self._report(pytest.TestReport(item.nodeid, where, {}, "failed", message, "call"), fork)
        fork.queue.extendleft(reversed(fork.running))
        fork.running.clear()
        fork.has_all = False
        if fork.queue:
            self._begin(fork)

    def _end(self, connection: "Connection[Any, Any]") -> None:
        connection.close()  # with which the fork ends, if it has not done so
        del self._forks[connection]
        os.waitpid(self._pids.pop(connection), 0)


class _Reporter:
    """Sends the reports of a fork to the process that prints them."""

    def __init__(self, config: pytest.Config, connection: "Connection[Any, Any]") -> None:
        self._config, self._connection = config, connection

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send a report."""
        content = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._connection.send(("report", content))


def _work(session: pytest.Session, connection: "Connection[Any, Any]", number: int) -> NoReturn:
    """Run tests as they are given; this is the process of a fork, which ends here."""
    atexit._clear()  # what the process has registered that has loaded the tests is its own
    try:
        _become(session, connection, number)
        with suppress(EOFError, ConnectionError, KeyboardInterrupt):  # the run has ended
            _run(session, connection)
        session._setupstate.teardown_exact(None)
    except BaseException as error:  # noqa: BLE001 - the fork ends here in every case
        with suppress(ConnectionError):
            connection.send(("failure", f"{type(error).__name__}: {error}"))
    connection.close()
    end(0)


def _become(session: pytest.Session, connection: "Connection[Any, Any]", number: int) -> None:
    """Print nothing, capture what tests write into files of this process's own, and draw chance of its own."""
    plugins = session.config.pluginmanager
    for name in ("terminalreporter", "lfplugin", "nfplugin", "stepwiseplugin", "junitxml"):
        if plugins.has_plugin(name):
            plugins.unregister(name=name)
    capture: Any = plugins.get_plugin("capturemanager")
    capture.resume_global_capture()
    before = (sys.stdout, sys.stderr)
    capture.stop_global_capturing()
    capture.start_global_capturing()
    _log_to(dict(zip(before, (sys.stdout, sys.stderr), strict=True)))
    capture.suspend_global_capture()
    plugins.register(_Reporter(session.config, connection), _NAME)
    random.seed(f"{os.getpid()} {number}")


def _log_to(files: Mapping[IO[str], IO[str]]) -> None:
    """Replace the files of the handlers of logging: a message that goes to a closed file costs a printed traceback."""
    references: list[Any] = logging._handlerList  # type: ignore[attr-defined] # nothing public lists all handlers
    for handler in [reference() for reference in references]:
        if isinstance(handler, logging.StreamHandler) and handler.stream in files:
            handler.stream = files[handler.stream]  # setStream would flush the closed one


def _run(session: pytest.Session, connection: "Connection[Any, Any]") -> None:
    items: Sequence[pytest.Item] = session.items
    index = connection.recv()
    while index is not None:
        following = connection.recv()
        nextitem = None if following is None else items[following]
        session.config.hook.pytest_runtest_protocol(item=items[index], nextitem=nextitem)
        connection.send(("done", index))
        index = following
