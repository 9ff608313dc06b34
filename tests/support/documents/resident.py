"""manage.py by a process that has loaded Django already and forks for each command, which spares a second each time.

`python -m tests.support.documents.resident SOCKET` serves the requests of `python -S …/asking.py SOCKET ARGUMENT…`.
Of the environment, only DATABASE_URL is read anew: the other settings were read when the server began.
"""

import json
import os
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import django
from django.core.management import call_command

import manage
from tests.support.databases import Database, connected_to
from tests.support.documents.asking import MOST


def serve(address: str) -> None:
    """Run commands, each in a fork, until killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()
        while True:
            asker, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(asker)
            asker.close()
            with suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)


def load() -> None:
    """Import what commands import, so that none of them has to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    django.setup()
    with Path(os.devnull).open("w") as nowhere:
        call_command("check", stdout=nowhere)
    for package in ("eventstore", "ledger", "projectors", "processmanagers"):
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            import_module(module.name)


def _answer(asker: socket.socket) -> None:
    """Do what was asked, in a second fork, and say how it ended."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        asker.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    said, given, *_ = socket.recv_fds(asker, MOST, 3)
    asker.close()
    for number, fd in enumerate(given):
        os.dup2(fd, number)
        os.close(fd)
    asked = json.loads(said)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    os._exit(_manage(asked["arguments"]))


def _manage(arguments: list[str]) -> int:
    """Run manage.py as it is, on the database that the environment names, and return its exit status."""
    sys.argv = ["manage.py", *arguments]
    url = os.environ["DATABASE_URL"]
    status: object = 0
    try:
        with connected_to(Database(url, url.partition(":")[0])):
            manage.main()
    except SystemExit as ended:
        status = ended.code or 0
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
    sys.stdout.flush()
    return status if isinstance(status, int) else 1


if __name__ == "__main__":
    load()
    serve(sys.argv[1])
