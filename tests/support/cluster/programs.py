"""The programs of a cluster, from Debian's packages or elsewhere on the PATH."""

import os
import pwd
import shutil
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = {
    "etcd": "etcd-server",
    "patroni": "patroni",
    "patronictl": "patroni",
    "haproxy": "haproxy",
    "pgbouncer": "pgbouncer",
    "psql": "postgresql-client",
    "pg_rewind": "postgresql",
}
"""Each program that is needed, and the package of Debian that has it."""


class ProgramsMissing(Exception):
    """The message says which packages to install."""


def path_of(name: str) -> str | None:
    """Return the path of a program, or None if it is not installed."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", str(_newest_postgres())]
    return shutil.which(name, path=os.pathsep.join(places))


def program(name: str) -> str:
    """Return the path of a program; raises ProgramsMissing."""
    found = path_of(name)
    if found is None:
        raise ProgramsMissing(missing())
    return found


def missing() -> str:
    """Say which packages have to be installed, or "" if there are all."""
    packages = sorted({package for name, package in _PACKAGES.items() if path_of(name) is None})
    return f"a cluster needs more programs: apt-get install {' '.join(packages)}" if packages else ""


def postgres_binaries() -> Path:
    """Return the directory of an installed PostgreSQL, with pg_rewind and pg_basebackup."""
    return Path(program("pg_rewind")).resolve().parent


def _newest_postgres() -> Path:
    given = os.environ.get("DAYBOOK_POSTGRES_BIN")
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    return Path(given) if given else max(installed, key=lambda path: int(path.parent.name), default=Path())


def unprivileged() -> dict[str, Any]:
    """Return the options of a process that must not run as root: neither PostgreSQL nor PgBouncer does."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def hand_over(path: Path) -> None:
    """Give a folder and all that is in it to the user of those processes."""
    options = unprivileged()
    for each in (path, *path.rglob("*")) if options else ():
        os.chown(each, options["user"], options["group"], follow_symlinks=False)
