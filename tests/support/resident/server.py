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
import socket
import sys
import tempfile
import threading
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
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(f"{address}.new")
        listening.listen(64)
        Path(f"{address}.new").rename(address)  # it answers from the moment that it has this name
        while True:
            ready, *_ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return None
            client, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                return _attend(client)
            client.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _attend(client: socket.socket) -> Request:
    """Fork the process of the request, where this returns; tell the client its pid, and how it ended."""
    request, files = Request.receive(client)
    child = os.fork()
    if child == 0:
        client.close()
        _become(request, files)
        return request
    if request.leads_group:
        # Both sides do it, so that it is done before either goes on.
        with suppress(PermissionError):  # the child runs its command already
            os.setpgid(child, child)
    for file in files:
        os.close(file)
    client.send(str(child).encode())
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        client.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


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


def end(status: int) -> None:
    """End the process as Python does, but leave its memory to the system: to free what it shares takes 0.07 s."""
    threading._shutdown()  # type: ignore[attr-defined] # Python itself calls it
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        sys.exit(status)  # Python says what could not be written
    os._exit(status & 0xFF)


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
    if received is not None:
        atexit.unregister(shutil.rmtree)
        try:
            run(received, environment, web=serves_web)
        except SystemExit as ended:
            if not isinstance(ended.code, int | None):
                raise  # Python prints it
            end(ended.code or 0)
        else:
            end(0)
