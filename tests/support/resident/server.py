"""Serves requests at a socket: `python -m tests.support.resident.server SOCKET [web]`, until standard input ends.

Each request gets a process of its own, a fork of this one. It reads the settings anew from its own environment and then
runs the command as Python would, so that it differs from a process of its own only in what is loaded already. If its
environment is one under which Python or Django themselves would begin otherwise, the process is a new Python.
"""

import atexit
import fcntl
import gc
import importlib
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Final

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.utils.functional import empty

from tests.support.forking import end
from tests.support.resident.requests import Request

LOADED: Final = ("eventstore", "ledger", "projectors", "processmanagers", "relays")
"""The packages whose modules are loaded; none of them reads a setting while it is imported, which a test holds."""
METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
_BEGIN_OTHERWISE: Final = ("DJANGO_", "PYTHON", "LD_", "LC_", "LANG", "TZ", METRICS)
_OBJECTS_BEFORE_A_COLLECTION: Final = 20_000
"""Python's own number, 700, costs a tenth of the processor time of most commands."""
_FREE: Final = 100
"""Files are first put above this number, so that none of them is in the way of another."""


def load(*, web: bool) -> None:
    """Import what commands import, or the web too, so that none of them has to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    gc.disable()  # there is hardly any garbage
    if web:
        # prometheus_client decides when it is imported that each process counts in files of its own.
        os.environ[METRICS] = tempfile.mkdtemp(prefix="daybook-resident-")
        atexit.register(shutil.rmtree, os.environ[METRICS], ignore_errors=True)
    django.setup()
    for package in (*LOADED, *(["web"] if web else [])):
        for module in walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    MigrationLoader(None)
    if web:
        importlib.import_module("settings.urls")
        importlib.import_module("gunicorn.workers.gthread")
    # What is loaded stays: a fork whose collector visited it, at the latest when it ends, would copy the memory of it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION)
    gc.enable()


def serve(address: str) -> Request | None:
    """Return None when standard input has ended; in the process of a request, return the request."""
    woken, wakes = os.pipe()
    for descriptor in (woken, wakes):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)  # which a child that ends writes to
    clients: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(f"{address}.new")
        listening.listen(64)
        Path(f"{address}.new").rename(address)  # it answers from the moment that it has this name
        while True:
            ready, *_ = select.select([listening, sys.stdin, woken], [], [])
            if sys.stdin in ready:
                return None
            if woken in ready:
                os.read(woken, 4096)
                _say_how_they_ended(clients)
            if listening in ready:
                client, _ = listening.accept()
                request, files = Request.receive(client)
                child = os.fork()
                clients[child] = client
                if child == 0:
                    _leave([*clients.values()], (woken, wakes))
                    _become(request, files)
                    return request
                _say_that_it_began(client, child, request, files)


def _leave(clients: list[socket.socket], pipe: tuple[int, int]) -> None:
    """Forget in the process of a request what the resident one waits for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for client in clients:
        client.close()
    for descriptor in pipe:
        os.close(descriptor)


def _say_that_it_began(client: socket.socket, child: int, request: Request, files: list[int]) -> None:
    if request.leads_group:
        # Both sides do it, so that it is done before either goes on.
        with suppress(PermissionError, ProcessLookupError):  # the child runs its command already, or has ended
            os.setpgid(child, child)
    for file in files:
        os.close(file)
    with suppress(OSError):  # the client has ended
        client.send(str(child).encode())


def _say_how_they_ended(clients: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):  # there is none any more
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            with clients.pop(child) as client, suppress(OSError):
                client.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: Request, files: list[int]) -> None:
    """Take the files, the folder and the environment of a request."""
    if request.leads_group:
        os.setpgid(0, 0)
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _FREE) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(moved, request.numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request.folder)


def run(request: Request, before: Mapping[str, str], *, web: bool) -> None:
    """Run the command of a request; like Python, this exits by SystemExit, by an exception, or at the end."""
    os.environ.clear()
    os.environ.update(request.environment)
    begins_otherwise = any(name.startswith(_BEGIN_OTHERWISE) for name in _changed(before, request.environment))
    if web and not begins_otherwise:
        # As gunicorn.conf.py does; the settings read it.
        os.environ[METRICS] = tempfile.mkdtemp(prefix=f"daybook-metrics-{os.getpid()}-", dir=os.environ.get("TMPDIR"))
    if begins_otherwise or not _read_settings_anew(web=web):
        os.execv(request.command[0], list(request.command))  # noqa: S606 - a test names the program
    _, *arguments = request.command
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _read_settings_anew(*, web: bool) -> bool:
    """Read the settings of the environment now; return False if only a new Python can use them."""
    engine = settings.DATABASES["default"]["ENGINE"]
    module: ModuleType = sys.modules["settings"]
    try:
        importlib.reload(module)
    except ImproperlyConfigured:
        # The command reads them again, and says what is wrong.
        del sys.modules["settings"]
        settings._wrapped = empty  # as before it was configured
        return True
    if module.DATABASES["default"]["ENGINE"] != engine:
        return False
    for name in filter(str.isupper, dir(module)):
        setattr(settings, name, getattr(module, name))
    for connection in connections.all(initialized_only=True):  # of the databases that were named before
        del connections[connection.alias]
    connections.__dict__["settings"] = connections.configure_settings(module.DATABASES)
    django.setup()  # the logging
    _register_consumers_again()
    if web:
        _share_threads(settings.WEB_THREADS)
    return True


def _register_consumers_again() -> None:
    """Register the process managers and relays that the settings ask for, as Django does when it begins."""
    registry, seal = map(importlib.import_module, ("eventstore.consumers.registry", "eventstore.seals.seal"))
    registry.consumers.__init__()
    seal._sources.clear()
    for name in ("projectors", "processmanagers", "relays"):
        apps.get_app_config(name).ready()


def _share_threads(number: int) -> None:
    """Do again what the web does with the number of threads while it is imported."""
    slots, tokens = (importlib.import_module(f"web.{name}") for name in ("slots", "tokens"))
    slots.slots.__init__(number // 4)
    tokens.checking.__init__(max(1, number // 2))


if __name__ == "__main__":
    environment = dict(os.environ)
    serves_web = "web" in sys.argv[2:]
    load(web=serves_web)
    received = serve(sys.argv[1])
    if received is None:
        shutil.rmtree(Path(sys.argv[1]).parent)  # which was made for the socket
        end(0)
    else:
        atexit.unregister(shutil.rmtree)
        try:
            run(received, environment, web=serves_web)
        except SystemExit as ended:
            if not isinstance(ended.code, int | None):
                raise  # Python prints it
            end(ended.code or 0)
        else:
            end(0)
