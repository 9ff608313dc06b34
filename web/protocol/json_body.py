"""Reads JSON without losing anything: what a lenient reader would change or pass over is refused, with its place."""

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
from web.protocol.problems import MOST_FAULTS, Fault, Problem, invalid

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MOST_DIGITS: Final = 20
_LONGEST_NAME: Final = 200
_DEEPEST: Final = 16
_MOST_VALUES: Final = 10_000
"""More than the longest lists of a command have together; to find fault with each of many more would take seconds."""
_MEDIA_TYPE: Final = "application/json"


class _Lost:
    """Stands for a value that could not be read without losing something, and says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


_TWICE: Final = _Lost("it is there twice")
_POINT: Final = _Lost(
    "a number with a point or an exponent loses digits: send an amount as text, and a whole number without them"
)
_HUGE: Final = _Lost(f"a number of more than {_MOST_DIGITS} digits is none that the ledger has")


class StrictParser(Parser):
    """Takes JSON in UTF-8 whose objects name each key once."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the parsed body; raises Problem: 400 where it is not JSON, 422 where it would lose something."""
        if request.content_type != _MEDIA_TYPE:
            given = request.content_type or "missing"
            raise Problem(problem_kinds.NOT_JSON, f"The Content-Type is {given}: send the body as {_MEDIA_TYPE}.")
        parsed = _parsed(request.body)
        if _has_more_values_than(_MOST_VALUES, parsed):
            raise invalid(Fault("", f"it has more than {_MOST_VALUES} values"))
        if faults := list(islice(_faults(parsed, "", 1), MOST_FAULTS)):
            raise invalid(*faults)
        if not isinstance(parsed, dict):
            raise invalid(Fault("", "it is not an object"))
        return parsed


def _parsed(body: bytes) -> Any:
    if body.startswith(BOM_UTF8):
        raise _not_json("it begins with a byte order mark, and is to be UTF-8 without one")
    try:
        return json.loads(
            body.decode(),
            parse_float=lambda _: _POINT,
            parse_int=_whole_number,
            parse_constant=lambda name: _Lost(f"{name} is no number of JSON, and no amount"),
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start + 1} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise invalid(Fault("", _too_deep())) from error


def _not_json(reason: str) -> Problem:
    return Problem(problem_kinds.NOT_JSON, f"{reason}. {problem_kinds.NOT_JSON.remedy}", errors=[Fault("", reason)])


def _too_deep() -> str:
    return f"it is nested more than {_DEEPEST} deep"


def _whole_number(digits: str) -> int | _Lost:
    return int(digits) if len(digits) <= _MOST_DIGITS else _HUGE


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _TWICE if key in found else value
    return found


def _has_more_values_than(most: int, parsed: Any) -> bool:
    left, seen = [parsed], 0
    while left and seen <= most:
        value = left.pop()
        seen += 1
        if isinstance(value, dict | list):
            left.extend(islice(value.values() if isinstance(value, dict) else value, most))
    return seen > most


def _faults(value: Any, pointer: str, depth: int) -> Iterator[Fault]:
    match value:
        case dict() | list() if depth > _DEEPEST:
            yield Fault(pointer, _too_deep())
        case dict():
            for name, one in value.items():
                yield from _member_faults(name, one, pointer, depth)
        case list():
            for index, one in enumerate(value):
                yield from _faults(one, f"{pointer}/{index}", depth + 1)
        case str():
            yield from _text_faults(value, pointer)
        case _Lost():
            yield Fault(pointer, value.reason)


def _member_faults(name: str, value: Any, pointer: str, depth: int) -> Iterator[Fault]:
    if len(name) > _LONGEST_NAME:
        yield Fault(pointer, f"there is no field with a name of {len(name)} characters")
        return
    # What cannot be sent as text cannot be pointed to either.
    place = pointer + json_pointer(_SURROGATE.sub("", name))
    yield from _text_faults(name, place)
    yield from _faults(value, place, depth + 1)


def _text_faults(text: str, pointer: str) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault(pointer, "a text has no null byte")
    if _SURROGATE.search(text):
        yield Fault(pointer, "a text has no lone surrogate")
