"""Reads the URLs of databases, and names the part of a URL that is wrong without repeating a password."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes

import environ

from settings.environment import Fault, read, text

POSTGRES: Final = "postgres://user:password@host:5432/name"
SQLITE_FILE: Final = "sqlite:////path/to/file.sqlite3 for a file in a folder that exists"
_SCHEMES: Final = ("sqlite", "postgres", "postgresql", "psql")
_HIGHEST_PORT: Final = 65_535
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/]*)"
_MODES: Final = ("rwc", "ro")
_SQLITE_OPTIONS: Final = frozenset({"timeout", "cached_statements", "transaction_mode", "init_command"})
_TRANSACTION_MODES: Final = ("DEFERRED", "IMMEDIATE", "EXCLUSIVE")
_KEPT: Final = "!$%&'()*,/:;=@^`{|}~"
"""The signs of a user, a password, a file or a name that are not encoded before django-environ reads them."""
_ENCODE: Final = "in a name or a password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"


def database_url(
    name: str,
    default: str,
    configure: Callable[[dict[str, Any]], dict[str, Any]],
    allowed: str = f"{POSTGRES}, or {SQLITE_FILE}",
) -> dict[str, Any]:
    """Return the configuration of a database, once `configure` has completed it or raised Fault."""

    def parse() -> dict[str, Any]:
        url = given_url(name, default)
        _check(url)
        return configure({"OPTIONS": {}} | environ.Env.db_url_config(_quoted(url)))

    return read(name, parse, allowed, secret=True)


def given_url(name: str, default: str) -> str:
    """Return a URL as it is, without the end of a line that a file of a secret has."""
    return text(name, default).strip()


def sqlite_path(config: dict[str, Any], folder: Path) -> tuple[Path, str]:
    """Return the file of an SQLite database and the mode in which it is opened; a relative path begins at a folder.

    A database in memory is refused, because each thread has its own.
    """
    name, mode = config["NAME"], config["OPTIONS"].pop("mode", "rwc")
    if name.startswith((":memory:", "file:")):
        raise Fault("a database in memory, or a name that begins with file:, is not possible")
    path = folder / name
    _check_file(path, may_show=not re.search(":.*@", name, re.DOTALL))
    if mode not in _MODES:
        raise Fault("its mode is neither ro nor rwc")
    _check_options(config["OPTIONS"])
    return path, mode


def _check_file(path: Path, *, may_show: bool) -> None:
    """Raise Fault unless a file can be there and be read; what may be a password is not repeated."""
    found = _kind_of(path, may_show=may_show)
    if not (found or may_show):
        raise Fault("its path has : before @, as a user and a password have, and there is no such file")
    if found == stat.S_IFDIR:
        raise Fault(f"{path} is a folder, and a file is needed")
    if _kind_of(path.parent, may_show=may_show) != stat.S_IFDIR:
        raise Fault(f"the folder {path.parent} does not exist")
    if found and not os.access(path, os.R_OK):
        raise Fault(f"the file {path} cannot be read by this user: give it the right, or start as its owner")


def _kind_of(path: Path, *, may_show: bool) -> int:
    """Return whether a path is that of a file or of a folder, as `stat` says it; 0 if there is nothing."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except PermissionError as error:
        place = f"a folder above {path}" if may_show else "a folder of its path"
        raise Fault(f"{place} cannot be searched by this user: give it the right, or start as its owner") from error
    except OSError:
        return 0


def _check_options(options: dict[str, Any]) -> None:
    """Raise Fault for an option that SQLite does not have or cannot take; give the others the types that it takes."""
    if unknown := sorted(options.keys() - _SQLITE_OPTIONS):
        raise Fault(f"its option {unknown[0]!r} is not one of SQLite")
    if "timeout" in options:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", str(options["timeout"])):
            raise Fault("its timeout is not a number of seconds below 1000000")
        options["timeout"] = float(options["timeout"])
    if "init_command" in options:
        options["init_command"] = str(options["init_command"])
    if not re.fullmatch(r"[0-9]{1,6}", str(options.get("cached_statements", 0))):
        raise Fault("its cached_statements is not a whole number below 1000000")
    if str(options.get("transaction_mode", "IMMEDIATE")).upper() not in _TRANSACTION_MODES:
        raise Fault(f"its transaction_mode is not one of {', '.join(_TRANSACTION_MODES)}")


def _quoted(url: str) -> str:
    """Return a URL that django-environ reads as it is written.

    It takes a plus sign in a path for a blank, loses control characters, and decodes nothing of a URL with a bracket
    in a password, but encodes it again.
    """
    scheme, rest, query = re.fullmatch(r"([^:]*://)([^?]*)(.*)", url, re.DOTALL).groups()  # type: ignore[union-attr] # it is checked
    place, _, path = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    return f"{scheme}{quote(user, _KEPT)}{at}{hosts}/{quote(path, _KEPT)}{query}"


def _check(url: str) -> None:
    """Raise Fault for the first part of a URL that is wrong."""
    if not url:
        raise Fault("it is empty")
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
    _check_hosts(place.rpartition("@")[2].split(","))
    if not path:
        raise Fault("it names no database: after the host come / and the database's name")


def _check_encoding(rest: str) -> None:
    try:
        decoded = unquote_to_bytes(rest).decode()
    except UnicodeDecodeError as error:
        raise Fault("its percent-encoding is not UTF-8") from error
    if "\0" in decoded:
        raise Fault("it contains a null character")


def _check_hosts(hosts: list[str]) -> None:
    """Check each host and port; neither is repeated, because a part of a password may look like one."""
    for host in hosts:
        if "/" in unquote(host):
            raise Fault("the path of a Unix socket is given as in postgres://user@/name?host=/run/postgresql")
        matched = re.fullmatch(rf"{_HOST}(?::(?P<port>.*))?", host)
        if matched is None:
            raise Fault("its host is not a name or an address; an IPv6 address stands in brackets")
        port = matched["port"]
        if port == "" and len(hosts) == 1:
            continue  # as if it had none
        if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT):
            raise Fault(f"its port is not a number from 1 to {_HIGHEST_PORT}; {_ENCODE}")
