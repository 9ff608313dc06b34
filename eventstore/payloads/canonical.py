"""The canonical form of JSON, as RFC 8785 defines it: equal values have equal bytes, whichever database stored them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import rfc8785

from eventstore.records import RecordedEvent

_SAFE_DIGITS: Final = 15
"""A whole number of so many digits is exact as a double, the one kind of number of RFC 8785."""
_LAST_BEFORE_SURROGATES: Final = "\ud7ff"
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


class _NotSimple(Exception):
    """A number that the standard library may write in another form."""


def _simple_int(text: str) -> int:
    if len(text) > _SAFE_DIGITS:
        raise _NotSimple
    return int(text)


def _not_simple(_text: str) -> float:
    raise _NotSimple


def _exact_int(text: str) -> int | float:
    if len(text) <= _SAFE_DIGITS:
        return int(text)
    number = float(text)
    if Decimal(repr(number)) != Decimal(text):
        raise ValueError(f"the number {text} is too large: canonical JSON has only the numbers that a double can hold")
    return number


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_decode_simple: Final = json.JSONDecoder(
    parse_int=_simple_int, parse_float=_not_simple, parse_constant=_refuse_constant
).decode
_decode_exact: Final = json.JSONDecoder(parse_int=_exact_int, parse_constant=_refuse_constant).decode


def canonical_json(text: str) -> str:
    """Return the canonical form of a JSON text; ValueError if it is not JSON, or has a number without an exact double.

    For most payloads the encoder of the standard library writes the same bytes five times as fast. It differs in
    floats, in large whole numbers, and in the order of members whose names have characters beyond the surrogates.
    """
    if "\\u" not in text and (text.isascii() or max(text) <= _LAST_BEFORE_SURROGATES):
        try:
            return _encode(_decode_simple(text))
        except _NotSimple:
            pass
    return rfc8785.dumps(_decode_exact(text)).decode()


def canonical_value(value: Any) -> str:
    """Return the canonical form of a value; ValueError if it has none."""
    return canonical_json(json.dumps(value, ensure_ascii=False))


def moment_text(moment: datetime) -> str:
    """Return a moment in the one form that it has in canonical JSON: in UTC, with six digits of a second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def canonical_event(event: RecordedEvent) -> str:
    """Return all that is recorded of an event as one JSON object in canonical form.

    Raises ValueError if payload or metadata have no canonical form.
    """
    return assembled(event, canonical_json(event.payload_json), canonical_json(event.metadata_json))


def assembled(event: RecordedEvent, payload: str, metadata: str) -> str:
    """Return an event in canonical form, of which payload and metadata are given in that form."""
    causation = "null" if event.causation is None else str(event.causation)
    return (
        f'{{"actor":{_encode(event.actor)},"causation":{causation},"correlation_id":{_encode(event.correlation_id)}'
        f',"metadata":{metadata},"payload":{payload},"position":{event.position}'
        f',"recorded_at":"{moment_text(event.recorded_at)}","schema_version":{event.schema_version}'
        f',"stream_id":{_encode(event.stream_id)},"type":{_encode(event.type)},"version":{event.version}}}'
    )
