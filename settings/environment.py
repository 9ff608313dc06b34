"""Read values of the environment; refuse a wrong one with its name and the values that are allowed.

django-environ parses the database URLs. Its casts are not used: they take DEBUG=maybe as false, drop empty members of a
list, and replace a value that begins with a dollar sign by the value of another variable or by the default.
"""

import os
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

Value = TypeVar("Value")
_HIGHEST_PORT: Final = 65_535
_SIMILAR: Final = 0.85
_names_read: Final[set[str]] = set()


class Fault(ValueError):
    """A part of a value is wrong; the message says which, without repeating what may be secret."""


def text(name: str, default: str) -> str:
    """Return a value as it is."""
    _names_read.add(name)
    return os.environ.get(name, default)


def misspelt() -> dict[str, str]:
    """Return each environment variable that no setting has read but whose name is similar to that of one that was."""
    settings = sorted(_names_read)
    others = [name for name in os.environ if name not in _names_read]
    similar = {name: get_close_matches(_bare(name), settings, n=1, cutoff=_SIMILAR) for name in others}
    return {name: found[0] for name, found in sorted(similar.items()) if found}


def _bare(name: str) -> str:
    return name.upper().removeprefix("DAYBOOK_")


def missing(name: str, remedy: str, misspelt: Mapping[str, str]) -> ImproperlyConfigured:
    """Return the error of a setting that is needed but not set; a misspelt variable may be why."""
    others = " ".join(f"{given} is set: was {setting} meant?" for given, setting in misspelt.items())
    hint = f" ({others})" if others else ""
    return ImproperlyConfigured(f"{name} is missing{hint}: {remedy}")


def secret(name: str, default: str) -> str:
    """Return a text that is not blank; an empty default may be missing."""

    def parse() -> str:
        value = text(name, default)
        if value != default and not value.strip():
            raise ValueError
        return value

    return read(name, parse, "a long random text", secret=True)


def secret_key(name: str) -> str:
    """Return a key of 32 bytes in hexadecimal digits, or "" if it is not set."""

    def parse() -> str:
        value = text(name, "").strip()
        if not re.fullmatch(r"([0-9a-f]{64})?", value):
            raise ValueError
        return value

    return read(name, parse, "64 hexadecimal digits in lower case, which nobody can guess", secret=True)


def folder(name: str) -> str:
    """Return the path of a folder in which files can be made, or "" if it is not set."""

    def parse() -> str:
        path = text(name, "")
        if path and not (Path(path).is_dir() and os.access(path, os.W_OK)):
            raise ValueError
        return path

    return read(name, parse, "the path of a folder that exists and can be written to")


def is_writable(path: Path) -> bool:
    """Return whether SQLite can write to a file, or make it: it also makes files beside it."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def read(name: str, parse: Callable[[], Value], allowed: str, *, secret: bool = False) -> Value:
    """Return `parse()`; raises ImproperlyConfigured, which shows the value unless it is secret."""
    try:
        return parse()
    except (ValueError, TypeError, KeyError, OSError, ImproperlyConfigured) as error:
        value = "" if secret else f"={os.environ.get(name)!r}"
        fault = f"{error}; " if isinstance(error, Fault) else ""
        message = f"{name}{value} is not allowed: {fault}it must be {allowed}"
        raise ImproperlyConfigured(message) from error


def label(name: str, default: str) -> str:
    """Return a short name, or the default."""

    def parse() -> str:
        value = text(name, default)
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,100}", value):
            raise ValueError
        return value

    return read(name, parse, "at most 100 letters, digits, dots, hyphens and underscores")


def flag(name: str, *, default: bool) -> bool:
    """Return whether something is on."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    word = text(name, str(default)).strip().lower()
    return read(name, lambda: words[word], "one of true, false, yes, no, on, off, 1, 0")


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within bounds."""

    def parse() -> int:
        value = text(name, str(default)).strip()
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise ValueError
        return int(value)

    return read(name, parse, f"a whole number from {least} to {most}")


def time_zone(name: str, default: str) -> str:
    """Return the name of a time zone."""
    # ZoneInfoNotFoundError is a KeyError; the name of a directory of zones raises an OSError.
    allowed = "the name of an IANA time zone, such as America/Los_Angeles"
    return read(name, lambda: ZoneInfo(text(name, default)).key, allowed)


def listed(name: str, default: str, pattern: str, allowed: str, *, secret: bool = False) -> list[str]:
    """Return members separated by commas, each of which matches the pattern; an empty default is an empty list."""

    def parse() -> list[str]:
        members = [member.strip() for member in text(name, default).split(",")]
        if members == [""] == [default]:
            return []
        if not all(re.fullmatch(pattern, member) for member in members):
            raise ValueError
        return members

    return read(name, parse, allowed, secret=secret)


def networks(name: str) -> list[str]:
    """Return networks, or an empty list."""

    def parse() -> list[str]:
        return [str(ip_network(member.strip())) for member in text(name, "").split(",") if member.strip()]

    return read(name, parse, "networks such as 10.1.0.0/16, separated by commas")


def hosts(name: str, default: str) -> list[str]:
    """Return host names."""
    pattern = r"\*|\.?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]"
    return listed(name, default, pattern, "host names separated by commas, without scheme or port")


def origins(name: str, default: str) -> list[str]:
    """Return origins: a scheme, a host, and an optional port."""
    pattern = r"https?://(\*\.)?[A-Za-z0-9._-]+(:[0-9]{1,5})?"
    return listed(name, default, pattern, "origins such as https://ledger.example, separated by commas")


def choice(name: str, default: str, *words: str) -> str:
    """Return one of some words."""
    word = text(name, default).strip().lower()
    return read(name, lambda: words[words.index(word)], f"one of {', '.join(words)}")


def listening_address(name: str, default: str) -> str:
    """Return the address on which a server listens."""

    def parse() -> str:
        address = text(name, default).strip()
        if re.fullmatch(r"unix:(/|///+)[^/].*|fd://[0-9]+", address):
            return address
        matched = re.fullmatch(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", address)
        if not matched or int(matched[1]) > _HIGHEST_PORT:
            raise ValueError
        return address

    allowed = f"an address and a port up to {_HIGHEST_PORT}, such as 127.0.0.1:8000, or unix:/path/to/a/socket"
    return read(name, parse, allowed)
