"""Work in a process that is killed with SIGKILL at one exact point: before or after its n-th statement or commit."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from tests.support.forking import fork

_PLACES: Final[tuple[tuple[type, str], ...]] = (
    (psycopg.Cursor, "execute"),
    (SQLiteCursorWrapper, "execute"),
    (SQLiteCursorWrapper, "executemany"),
    (BaseDatabaseWrapper, "_commit"),
)


def dies_at(point: int, work: Callable[[], object]) -> bool:
    """Do the work in a process of its own that kills itself at a point, counted from 1; say whether it was killed."""

    def dying() -> None:
        _die_at(point)
        work()

    _, status = os.waitpid(fork(dying), 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"the work itself failed: {status}"
    return os.WIFSIGNALED(status)


def _die_at(point: int) -> None:
    points = itertools.count(1)
    for cls, name in _PLACES:
        setattr(cls, name, _counted(getattr(cls, name), points, point))


def _counted(original: Callable[..., Any], points: Iterator[int], point: int) -> Callable[..., Any]:
    def counted(*args: Any, **kwargs: Any) -> Any:
        if next(points) == point:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if next(points) == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counted
