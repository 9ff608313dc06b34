"""A process that kills itself before each statement and around each commit in turn, and then goes on unharmed.

`python -m tests.support.consumers.killing NAME STEP`: each round appends a trigger, runs NAME in a child that kills
itself before its k-th statement, or before or after a COMMIT, then runs NAME unharmed; k grows by STEP until the child
is not killed. It prints how many statements and commits there were. A rebuild, `NAME@rebuild`, reads the same three
triggers in each round: with more in each round it would not end.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402 - Django comes first
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402

from eventstore import store  # noqa: E402
from eventstore.consumers.loop import catch_up  # noqa: E402
from eventstore.consumers.rebuild import delete_garbage, rebuild_runner, run  # noqa: E402
from eventstore.records import Context  # noqa: E402
from eventstore.runtime.shutdown import Stop  # noqa: E402
from tests.support.consumers.probes import PROBES, registered, trigger  # noqa: E402
from tests.support.consumers.receiver import Courier  # noqa: E402
from tests.support.forking import fork  # noqa: E402


def kill_at(moment: int) -> None:
    """Kill this process at the given statement or commit from now on."""
    left = [moment]

    def tick() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(run_it: Callable[..., Any], *args: Any) -> Any:
        tick()
        return run_it(*args)

    def around(name: str) -> None:
        original = getattr(BaseDatabaseWrapper, name)

        def wrapped(self: BaseDatabaseWrapper, *args: Any, **kwargs: Any) -> Any:
            tick()
            result = original(self, *args, **kwargs)
            tick()
            return result

        setattr(BaseDatabaseWrapper, name, wrapped)

    for name in ("_commit", "_rollback"):
        around(name)
    connections["default"].execute_wrappers.append(execute)


def in_a_child(act: Callable[[], None]) -> int:
    """Run a function in a child process and return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(act), 0)[1])


def work(name: str) -> None:
    """Catch up, or rebuild."""
    if not name.endswith("@rebuild"):
        catch_up(name)
        return
    rebuild, stop = rebuild_runner(name.removesuffix("@rebuild")), Stop()
    rebuild.begin(rebuild.group.names[0], actor="tests")
    run(rebuild, stop, lambda *_: None, lambda _: None)
    delete_garbage(rebuild.group, stop)


def main(name: str, step: int) -> None:
    """Kill it at every statement, or at each STEP-th, one after the other."""
    passed = 0
    while True:
        if not name.endswith("@rebuild") or passed == 0:
            store.append([trigger(2), trigger(2), trigger(2)][: 3 if passed == 0 else 1], Context("tests", "killing"))

        def dying(moment: int = passed + 1) -> None:
            kill_at(moment)
            work(name)

        ended = in_a_child(dying)
        if in_a_child(lambda: work(name)) != 0 or ended not in {0, -signal.SIGKILL}:
            sys.exit(1)
        if ended == 0:
            break
        passed += step
    sys.stdout.write(f"{passed}\n")


if __name__ == "__main__":
    with registered(*PROBES, Courier()):
        main(sys.argv[1], int(sys.argv[2]))
