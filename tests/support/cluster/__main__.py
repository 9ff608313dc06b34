"""`make cluster`: brings a cluster up on this machine and serves Daybook on it until Ctrl-C; then nothing is left."""

import signal
import sys

from tests.support.cluster import programs
from tests.support.cluster.failover import FailoverCluster
from tests.support.cluster.installation import PORT, Installation

_TEXT = """
Books                   http://{door}:{port}/books/   (make a superuser first, see below)
primary                 {door}:5000   standbys {door}:5001   PgBouncer {door}:6432
folder with logs        {root}

Try, in another terminal:
  patronictl -c {configuration} list
  patronictl -c {configuration} switchover --force
  kill -9 $(head -1 {data}/postmaster.pid)          # PostgreSQL of {primary}; Patroni starts it again
  DATABASE_URL={url} SECRET_KEY=x {python} manage.py createsuperuser
  DATABASE_URL={url} SECRET_KEY=x {python} manage.py consumers

Ctrl-C ends all of it and deletes the folder.
"""


def main() -> int:
    """Run until Ctrl-C or SIGTERM."""
    if programs.missing():
        sys.stderr.write(f"{programs.missing()}\n")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        _serve()
    except KeyboardInterrupt:
        sys.stdout.write("ended; nothing is left\n")
    return 0


def _serve() -> None:
    sys.stdout.write("three nodes, HAProxy and PgBouncer are started; that takes half a minute\n")
    sys.stdout.flush()
    with FailoverCluster() as cluster:
        installation = Installation(cluster)
        installation.migrate()
        installation.start()
        primary = cluster.primary()
        assert primary is not None
        sys.stdout.write(
            _TEXT.format(
                door=cluster.door,
                port=PORT,
                root=cluster.root,
                configuration=primary.configuration,
                data=primary.data,
                primary=primary.name,
                url=cluster.direct_url(),
                python=sys.executable,
            )
        )
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
