"""Kills work with SIGKILL after each SQL statement in turn, lets it run again, and compares what it has left.

What a process has done before a crash is what its statements have done, so a crash between two statements is the same
as one right after the first of them. Work that is right after a kill at each statement is right after any kill.
"""

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, NoReturn

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from eventstore import home
from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers, databases
from eventstore.errors import NotCrashProof, OperationRefused
from eventstore.log import append_postgresql
from eventstore.proving.copies import copied
from eventstore.proving.outcome import Outcome, difference, outcome

Work = Callable[[], object]
_LONGEST: Final = 200


def prove(work: Work, *, every: int = 1, observe: Callable[[], Outcome] = outcome) -> int:
    """Kill the work after its first statement, its second and so on; return the number of kills.

    Each time a process of its own does the work on a copy of the database and is killed, another one does the work
    again, and the outcome must be that of a run that nobody disturbed. `every` leaves out points: 10 kills after the
    first statement, the eleventh and so on. Statements of threads and processes that the work starts do not count.
    Before outcomes are compared, every projector catches up: interrupted work may have left one less far.

    Raises NotCrashProof, which names the statement.
    """
    with _copy():
        expected = _outcome(work, observe)
    kills = 0
    while True:
        point = 1 + kills * every
        with _copy():
            statement = _killed_after(work, point)
            if statement is None:
                return kills
            kills += 1
            differs = difference(expected, _outcome(work, observe))
        if differs:
            raise NotCrashProof(point, statement, differs)


@contextmanager
def _copy() -> Iterator[None]:
    """Let Django work on copies of all databases."""
    with ExitStack() as copies:
        for using in databases():
            copies.enter_context(copied(using))
        yield
        connections.close_all()


def _killed_after(work: Work, point: int) -> str | None:
    """Do the work in a child process; return the statement after which it killed itself, None if it ended."""

    def killed(writes: int) -> None:
        _adopt()
        _Killer(point, writes).watch()
        work()

    said, status = _in_a_child(killed)
    if status == -signal.SIGKILL:
        return said.decode()
    _check_ended(status, point)
    return None


def _outcome(work: Work, observe: Callable[[], Outcome]) -> Outcome:
    """Do the work in a child process, let every projector catch up, and return the outcome."""

    def observed(writes: int) -> None:
        _adopt()
        work()
        if consumers.projectors:
            catch_up(*consumers.projectors)
        with os.fdopen(writes, "wb") as file:
            pickle.dump(observe(), file)

    said, status = _in_a_child(observed)
    _check_ended(status, 0)
    found: Outcome = pickle.loads(said)  # noqa: S301 - of our own child
    return found


def _adopt() -> None:
    """Let the copy act: a copy of a ledger does nothing by itself until it is adopted."""
    with suppress(OperationRefused):
        home.adopt(actor="a proof", reason="the copy is deleted after one run")


def _check_ended(status: int, point: int) -> None:
    if status != 0:
        raise NotCrashProof(point, "", f"the work itself failed, see standard error: status {status}")


def _in_a_child(task: Callable[[int], None]) -> tuple[bytes, int]:
    """Run a task in a child process; return what it has written into the pipe that it is given, and its status."""
    connections.close_all()
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        child = os.fork()
    if child == 0:
        os.close(reads)
        _end_after(task, writes)
    os.close(writes)
    with os.fdopen(reads, "rb") as file:
        said = file.read()
    return said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end_after(task: Callable[[int], None], writes: int) -> NoReturn:
    try:
        task(writes)
    except BaseException:  # noqa: BLE001 - the child ends here in every case
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


class _Killer:
    """Counts the statements of this process, and kills it after one of them."""

    def __init__(self, point: int, writes: int) -> None:
        self._left, self._writes = point, writes

    def watch(self) -> None:
        """Count from now on: statements of Django's cursors, appends, and commits."""
        for connection in connections.all():
            connection.execute_wrappers.append(self._execute)
        send, commit = append_postgresql.send, BaseDatabaseWrapper._commit  # type: ignore[attr-defined]  # noqa: SLF001 - where every commit passes

        def counted_send(raw: Any, statement: bytes, *more: Any) -> bytes | None:
            answer = send(raw, statement, *more)
            self._after(statement.decode())
            return answer

        def counted_commit(wrapper: BaseDatabaseWrapper) -> object:
            done = commit(wrapper)
            self._after("COMMIT")
            return done

        append_postgresql.send = counted_send  # type: ignore[assignment] # it has fewer names
        BaseDatabaseWrapper._commit = counted_commit  # type: ignore[attr-defined]  # noqa: SLF001 - as above

    def _execute(self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's hook
        result = execute(statement, params, many, context)
        self._after(str(statement))
        return result

    def _after(self, statement: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.write(self._writes, " ".join(statement.split())[:_LONGEST].encode())
            os.kill(os.getpid(), signal.SIGKILL)
