"""Reads JSON without losing anything: what a lenient reader would change or pass over is refused, with its place."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest
from ninja.parser import Parser

from ledger.api.problems import Fault, Problem, invalid

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class _Twice:
    """Stands where one object has the same key twice."""


class _Number(float):
    """A number with a point or an exponent, which no field of the ledger takes: as a float it would lose digits."""


class StrictParser(Parser):
    """Takes JSON in UTF-8 whose objects name each key once."""

    def parse_body(self, request: HttpRequest) -> Any:  # noqa: ANN401 - any JSON
        """Return the parsed body; raises Problem: 400 where it is not JSON, 422 where it would lose something."""
        try:
            parsed = json.loads(
                request.body.decode(), parse_float=_Number, parse_constant=_refuse, object_pairs_hook=_once
            )
        except (ValueError, RecursionError) as error:
            raise Problem(400, "not-json", "The body is not JSON in UTF-8") from error
        if faults := list(_faults(parsed, "")):
            raise invalid(*faults)
        if not isinstance(parsed, dict):
            raise invalid(Fault("", "it is not an object"))
        return parsed


def _refuse(name: str) -> Any:  # noqa: ANN401 - json's own hook
    message = f"{name} is not JSON"
    raise ValueError(message)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Twice() if key in found else value
    return found


def _faults(value: Any, pointer: str) -> Iterator[Fault]:  # noqa: ANN401 - any JSON
    match value:
        case dict():
            for key, one in value.items():
                place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
                yield from _text_faults(key, place)
                yield from _faults(one, place)
        case list():
            for index, one in enumerate(value):
                yield from _faults(one, f"{pointer}/{index}")
        case str():
            yield from _text_faults(value, pointer)
        case _Twice():
            yield Fault(pointer, "it is there twice")
        case _Number():
            yield Fault(pointer, "a number with a point or an exponent loses digits: send it as text")


def _text_faults(text: str, pointer: str) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault(pointer.replace("\0", ""), "a text has no null byte")
    if _SURROGATE.search(text):
        yield Fault(_SURROGATE.sub("", pointer), "a text has no lone surrogate")
