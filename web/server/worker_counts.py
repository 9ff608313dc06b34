"""The files in which gunicorn's workers count for /metrics, and what becomes of those of a worker that has ended.

# Note [The counts of ended workers are one file]
Each worker counts in files of its own. If they stayed after the worker, every scrape would read more of them after each
restart. So the counts of an ended worker are added to one file of each kind. A scrape would count them twice, or not at
all, if it read the files meanwhile; therefore both hold a lock.
"""

import fcntl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from prometheus_client.mmap_dict import MmapedDict

_ENDED: Final = "ended"
_LOCK: Final = "lock"


@contextmanager
def reading(folder: str) -> Iterator[None]:
    """Keep the files as they are while they are read."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


def merge(folder: str, pid: int) -> None:
    """Add a worker's counts to those of all ended workers. See Note [The counts of ended workers are one file]."""
    with _locked(folder, fcntl.LOCK_EX):
        for path in Path(folder).glob(f"*_{pid}.db"):
            if not path.stat().st_size:  # the worker was killed before it counted anything
                path.unlink()
                continue
            kind = path.name.removesuffix(f"_{pid}.db")
            with closing(MmapedDict(str(path.with_name(f"{kind}_{_ENDED}.db")))) as ended:
                for key, value, _timestamp, _position in MmapedDict.read_all_values_from_file(str(path)):
                    ended.write_value(key, ended.read_value(key)[0] + value, 0)
            path.unlink()


@contextmanager
def _locked(folder: str, how: int) -> Iterator[None]:
    with (Path(folder) / _LOCK).open("w") as lock:
        fcntl.flock(lock, how)
        yield
