"""`manage.py check_web_address`: check that the web can listen at WEB_BIND before anything is started."""

import errno
import os
import socket
import stat
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError

from eventstore.management.base import ConsoleCommand

_UNIX: Final = "unix:"
_LONGEST_PATH: Final = 107
"""The most bytes that the path of a Unix socket has on Linux."""
_REMEDIES: Final = {
    errno.EADDRINUSE: "end the process that does, or name another address, such as WEB_BIND=127.0.0.1:8001",
    errno.EACCES: "a port below 1024 needs the rights of root; name another one, such as WEB_BIND=127.0.0.1:8000",
    errno.EADDRNOTAVAIL: "it is not an address of this machine; name one that is, such as WEB_BIND=127.0.0.1:8000",
}


class Command(ConsoleCommand):
    """Fails if nothing can listen at WEB_BIND."""

    needs_database = False  # it runs before the migrations
    help = "Checks that the web can listen at WEB_BIND; fails if another process does."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Try to listen there, or look at the place of the Unix socket. A socket that is handed over is not tried."""
        address: str = settings.WEB_BIND
        if address.startswith(_UNIX):
            fault = unix_fault(Path(address.removeprefix(_UNIX)))
        else:
            fault = "" if "/" in address else tcp_fault(address)
        if fault:
            raise CommandError(f"nothing can listen at WEB_BIND={address} {fault}")


def tcp_fault(address: str) -> str:
    """Return why nothing can listen at a host and port, with the remedy; an empty text if it is possible."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), int(port)), family=family).close()
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "name another address, such as WEB_BIND=127.0.0.1:8001")
        return f"({error.strerror}): {remedy}"
    return ""


def unix_fault(path: Path) -> str:
    """Return why nothing can listen at the path of a Unix socket, with the remedy; an empty text if it is possible."""
    folder, length = path.parent, len(os.fsencode(path))
    if length > _LONGEST_PATH:
        return f"(its path has {length} bytes, and {_LONGEST_PATH} is the most of a socket): name a shorter path"
    try:
        if _kind_of(folder) != stat.S_IFDIR:
            return f"(the folder {folder} does not exist): make it, or name another path"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"(the folder {folder} cannot be written by this user): give it the right, or name another path"
        match _kind_of(path):
            case stat.S_IFSOCK:
                return _listener(path)
            case 0:
                return ""
            case _:
                return f"(the file {path} is no socket): remove it, or name another path"
    except OSError as error:
        fault = f"the folder {folder} cannot be looked into: {error.strerror}"
        return f"({fault}): give this user the right, or name another path"


def _kind_of(path: Path) -> int:
    """Return whether a path is that of a socket, a folder or another file; 0 if there is nothing."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _listener(path: Path) -> str:
    """Return that a process has a socket or may have it, with the remedy; a web that has ended may have left it.

    It does not wait: a process that hangs takes no connection.
    """
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.setblocking(False)
        code = client.connect_ex(str(path))
    if code in (errno.ECONNREFUSED, errno.ENOENT):
        return ""
    if code == errno.EACCES:
        return f"(the socket {path} belongs to another user): remove it as that user, or name another path"
    return "(another process listens there): end it, or name another path"
