"""How a value of the environment is read, and refused with its name and what is allowed where it is wrong."""

import re
from collections.abc import Callable
from typing import TypeVar
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
Value = TypeVar("Value")


def text(name: str, default: str) -> str:
    """Read a value as it is: what begins with a dollar sign, as a good secret may, is not another variable's name."""
    return str(env.ENVIRON.get(name, default))


def read(name: str, value: Callable[[], Value], allowed: str, *, secret: bool = False) -> Value:
    """Return `value()`; raises ImproperlyConfigured, which repeats what was given unless it is secret."""
    try:
        return value()
    except (ValueError, TypeError, KeyError, OSError, ImproperlyConfigured) as error:
        given = "" if secret else f"={env.ENVIRON.get(name)!r}"
        message = f"{name}{given} is not allowed: it must be {allowed}"
        raise ImproperlyConfigured(message) from error


def flag(name: str, *, default: bool) -> bool:
    """Return whether something is on."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    given = text(name, str(default)).strip().lower()
    return read(name, lambda: words[given], "one of true, false, yes, no, on, off, 1, 0")


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within bounds."""

    def value() -> int:
        given = text(name, str(default)).strip()
        if not (given.isascii() and given.isdigit() and least <= int(given) <= most):
            raise ValueError
        return int(given)

    return read(name, value, f"a whole number from {least} to {most}")


def time_zone(name: str, default: str) -> str:
    """Return the name of a time zone."""
    # ZoneInfoNotFoundError is a KeyError; the name of a directory of zones is an OSError.
    allowed = "the name of an IANA time zone, such as America/Los_Angeles"
    return read(name, lambda: ZoneInfo(text(name, default)).key, allowed)


def listed(name: str, default: str, pattern: str, allowed: str) -> list[str]:
    """Return what stands between commas, each as the pattern says; nothing, where that is the default, is none."""

    def value() -> list[str]:
        found = [one.strip() for one in text(name, default).split(",")]
        if found == [""] == [default]:
            return []
        if not all(re.fullmatch(pattern, one) for one in found):
            raise ValueError
        return found

    return read(name, value, allowed)


def hosts(name: str, default: str) -> list[str]:
    """Return host names."""
    pattern = r"\*|\.?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]"
    return listed(name, default, pattern, "host names with commas between them, without scheme or port")


def origins(name: str, default: str) -> list[str]:
    """Return origins: a scheme, a host, and perhaps a port."""
    pattern = r"https?://(\*\.)?[A-Za-z0-9._-]+(:[0-9]{1,5})?"
    return listed(name, default, pattern, "origins such as https://ledger.example with commas between them")


def choice(name: str, default: str, *words: str) -> str:
    """Return one of some words."""
    given = text(name, default).strip().lower()
    return read(name, lambda: words[words.index(given)], f"one of {', '.join(words)}")


def listening(name: str, default: str) -> str:
    """Return where a server listens."""

    def value() -> str:
        given = text(name, default).strip()
        if not re.fullmatch(r"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}|unix:/.+|fd://[0-9]+", given):
            raise ValueError
        return given

    return read(name, value, "an address and a port, such as 127.0.0.1:8000, or unix:/path/to/a/socket")
