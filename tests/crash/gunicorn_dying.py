"""The project's gunicorn, whose worker kills itself once with SIGKILL: after a command's commit, before its answer."""

import os
import runpy
import signal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
globals().update(runpy.run_path(str(ROOT / "gunicorn.conf.py")))


def post_worker_init(_worker: object) -> None:
    """Make the worker kill itself after its next command, unless a worker has done so before."""
    from ledger import handlers  # noqa: PLC0415 - the worker has set Django up by now

    original = handlers.execute

    def execute(*args: Any, **kwargs: Any) -> Any:
        appended = original(*args, **kwargs)
        try:
            os.close(os.open(os.environ["DIED"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return appended
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    handlers.execute = execute
