"""Reads the URLs of databases, and names the part of a URL that is wrong without repeating a password."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

import environ

from settings.environment import Fault, read, text

POSTGRES: Final = "postgres://user:password@host:5432/name"
SQLITE_FILE: Final = "sqlite:////path/to/file.sqlite3 for a file in a folder that exists"
_SCHEMES: Final = ("sqlite", "postgres", "postgresql", "psql")
_HIGHEST_PORT: Final = 65_535
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/]*)"
_MODES: Final = ("rwc", "ro")
_SQLITE_OPTIONS: Final = frozenset({"timeout", "cached_statements", "transaction_mode", "init_command"})
_ENCODE: Final = "in a name or a password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"


def database_url(
    name: str,
    default: str,
    configure: Callable[[dict[str, Any]], dict[str, Any]],
    allowed: str = f"{POSTGRES}, or {SQLITE_FILE}",
) -> dict[str, Any]:
    """Return the configuration of a database, once `configure` has completed it or raised Fault."""

    def parse() -> dict[str, Any]:
        url = text(name, default)
        _check(url)
        # django-environ takes a plus sign in a path for a blank.
        scheme, rest, query = re.fullmatch(r"([^:]*://)([^?]*)(.*)", url, re.DOTALL).groups()  # type: ignore[union-attr] # checked above
        return configure({"OPTIONS": {}} | environ.Env.db_url_config(scheme + rest.replace("+", "%2B") + query))

    return read(name, parse, allowed, secret=True)


def sqlite_path(config: dict[str, Any], folder: Path) -> tuple[Path, str]:
    """Return the file of an SQLite database and the mode in which it is opened; a relative path begins at a folder.

    A database in memory is refused, because each thread has its own.
    """
    name, mode = config["NAME"], config["OPTIONS"].pop("mode", "rwc")
    if name.startswith((":memory:", "file:")):
        raise Fault("a database in memory, or a name that begins with file:, is not possible")
    path = folder / name
    if path.is_dir():
        raise Fault(f"{path} is a folder, and a file is needed")
    if not path.parent.is_dir():
        raise Fault(f"the folder {path.parent} does not exist")
    if path.exists() and not os.access(path, os.R_OK):
        raise Fault(f"the file {path} cannot be read by this user: give it the right, or start as its owner")
    if mode not in _MODES:
        raise Fault("its mode is neither ro nor rwc")
    if unknown := sorted(config["OPTIONS"].keys() - _SQLITE_OPTIONS):
        raise Fault(f"its option {unknown[0]!r} is not one of SQLite")
    return path, mode


def _check(url: str) -> None:
    """Raise Fault for the first part of a URL that is wrong."""
    if not url:
        raise Fault("it is empty")
    if url != url.strip():
        raise Fault("it begins or ends with a blank")
    if url[0] in "\"'":
        raise Fault("it begins with a quotation mark, which a file of variables may not have")
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise Fault("it does not begin with a scheme and ://")
    if scheme not in _SCHEMES:
        raise Fault(f"its scheme {scheme!r} is not known")
    place, _, path = rest.partition("?")[0].partition("/")
    _check_encoding(rest)
    if "#" in rest:
        raise Fault(f"it contains #; {_ENCODE}")
    if scheme == "sqlite":
        if place or not path:
            raise Fault("it names no file: after sqlite: come three slashes and a path")
        return
    _check_hosts(place.rpartition("@")[2])
    if not path:
        raise Fault("it names no database: after the host come / and the database's name")


def _check_encoding(rest: str) -> None:
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        raise Fault(f"a percent sign in it is not followed by two hexadecimal digits; {_ENCODE}")
    try:
        decoded = unquote_to_bytes(rest).decode()
    except UnicodeDecodeError as error:
        raise Fault("its percent-encoding is not UTF-8") from error
    if "\0" in decoded:
        raise Fault("it contains a null character")


def _check_hosts(hosts: str) -> None:
    """Check each host and port; neither is repeated, because a part of a password may look like one."""
    for host in hosts.split(","):
        if "/" in unquote(host):
            raise Fault("the path of a Unix socket is given as in postgres://user@/name?host=/run/postgresql")
        matched = re.fullmatch(rf"{_HOST}(?::(?P<port>.*))?", host)
        if matched is None:
            raise Fault("its host is not a name or an address; an IPv6 address stands in brackets")
        port = matched["port"]
        if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT):
            raise Fault(f"its port is not a number from 1 to {_HIGHEST_PORT}; {_ENCODE}")
