"""Reads a JSON body without losing anything: values that a lenient parser would change or drop are refused."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest
from ninja.parser import Parser

from web.protocol import problem_kinds
from web.protocol.json_pointers import json_pointer
from web.protocol.problems import MAX_FAULTS, Fault, Problem, invalid

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_DIGITS: Final = 20
_MAX_NAME: Final = 200
_MAX_DEPTH: Final = 16
_MAX_VALUES: Final = 10_000
"""More than the longest lists of a command have together; finding the faults of many more would take seconds."""
_MEDIA_TYPE: Final = "application/json"
_TOO_DEEP: Final = f"must not be nested more than {_MAX_DEPTH} deep"


class _Lossy:
    """Stands for a value that cannot be read without loss, and says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


_DUPLICATE: Final = _Lossy("must not be given twice")
_FRACTION: Final = _Lossy(
    "must not be a JSON number with a point or an exponent, which loses digits: send an amount as a string, and a whole"
    " number without them"
)
_TOO_MANY_DIGITS: Final = _Lossy(f"must have at most {_MAX_DIGITS} digits")


class StrictParser(Parser):
    """Parses one JSON object in UTF-8 whose objects have each key once."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the parsed body; raises Problem: 400 if it is not JSON, 422 if reading it would lose something."""
        if request.content_type != _MEDIA_TYPE:
            given = request.content_type or "missing"
            raise Problem(problem_kinds.NOT_JSON, f"The Content-Type is {given}. Send the body as {_MEDIA_TYPE}.")
        value = parsed(request.body)
        if found := list(islice(faults(value, ""), MAX_FAULTS)):
            raise invalid(*found)
        if not isinstance(value, dict):
            raise invalid(Fault("", "must be an object"))
        return value


def faults(value: Any, pointer: str) -> Iterator[Fault]:
    """Yield the faults of a parsed value at a place: what was lost, or cannot be kept, and what is too much."""
    if _has_more_values_than(_MAX_VALUES, value):
        yield Fault(pointer, f"must have at most {_MAX_VALUES} values")
        return
    yield from _faults(value, pointer, 1)


def parsed(body: bytes) -> Any:
    """Return the value of a JSON text; raises Problem if it is none. `faults` finds what was lost on the way."""
    if body.startswith(BOM_UTF8):
        raise _not_json("The body begins with a byte order mark")
    try:
        return json.loads(
            body.decode(),
            parse_float=lambda _: _FRACTION,
            parse_int=_whole_number,
            parse_constant=lambda name: _Lossy(f"must not be {name}, which JSON does not have"),
            object_pairs_hook=_members,
        )
    except UnicodeDecodeError as error:
        raise _not_json(f"Byte {error.start + 1} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise invalid(Fault("", _TOO_DEEP)) from error


def _not_json(reason: str) -> Problem:
    fault = Fault("", f"{reason[:1].lower()}{reason[1:]}")
    return Problem(problem_kinds.NOT_JSON, f"{reason}. {problem_kinds.NOT_JSON.remedy}", errors=[fault])


def _whole_number(digits: str) -> int | _Lossy:
    return int(digits) if len(digits) <= _MAX_DIGITS else _TOO_MANY_DIGITS


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        members[key] = _DUPLICATE if key in members else value
    return members


def _has_more_values_than(limit: int, parsed: Any) -> bool:
    pending, seen = [parsed], 0
    while pending and seen <= limit:
        value = pending.pop()
        seen += 1
        if isinstance(value, dict | list):
            pending.extend(islice(value.values() if isinstance(value, dict) else value, limit))
    return seen > limit


def _faults(value: Any, pointer: str, depth: int) -> Iterator[Fault]:
    match value:
        case dict() | list() if depth > _MAX_DEPTH:
            yield Fault(pointer, _TOO_DEEP)
        case dict():
            for name, member in value.items():
                yield from _member_faults(name, member, pointer, depth)
        case list():
            for index, item in enumerate(value):
                yield from _faults(item, f"{pointer}/{index}", depth + 1)
        case str():
            yield from _text_faults(value, pointer)
        case _Lossy():
            yield Fault(pointer, value.reason)


def _member_faults(name: str, value: Any, pointer: str, depth: int) -> Iterator[Fault]:
    if len(name) > _MAX_NAME:
        yield Fault(pointer, f"unknown field with a name of {len(name)} characters")
        return
    # A surrogate cannot be sent as text, so the pointer leaves it out.
    place = pointer + json_pointer(_SURROGATE.sub("", name))
    yield from _text_faults(name, place)
    yield from _faults(value, place, depth + 1)


def _text_faults(text: str, pointer: str) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault(pointer, "must not have a null byte")
    if _SURROGATE.search(text):
        yield Fault(pointer, "must not have a lone surrogate")
