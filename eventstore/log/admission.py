"""Refuses texts and numbers that one of the databases cannot store, before anything is sent to it."""

import json
import re
from typing import Any, Final

from django.conf import settings

from eventstore.errors import InvalidPayload
from eventstore.payloads.canonical import canonical_json
from eventstore.records import Context, IdempotencyKey

_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_MANY_DIGITS: Final = re.compile(r"[:,\[] ?-?\d{16}")
"""What may be a whole number that no double can hold; it may also be a part of a text."""
_GREATEST: Final = 2**63 - 1
_LONGEST: Final = {"actor": 200, "correlation_id": 200, "scope": 200, "key": 200, "fingerprint": 64}
"""How many characters each column can hold."""
_LEAST_LIMIT: Final = 1024
"""The least that PAYLOAD_MAX_BYTES and APPEND_MAX_BYTES can be; to read a setting takes as long as to pack an array."""


def check_context(type_name: str, context: Context) -> None:
    """Raise InvalidPayload if a text of the context cannot be stored."""
    both = context.actor + context.correlation_id
    if len(both) > _LONGEST["actor"] or not both.isascii() or "\0" in both:
        _check_text(type_name, "actor", context.actor)
        _check_text(type_name, "correlation_id", context.correlation_id)
    if context.causation is not None and not 0 < context.causation <= _GREATEST:
        raise InvalidPayload(type_name, f"causation {context.causation} is not a position")


def check_key(type_name: str, key: IdempotencyKey | None) -> None:
    """Raise InvalidPayload if a text of the key cannot be stored."""
    if key is not None:
        for name in ("scope", "key", "fingerprint"):
            _check_text(type_name, name, getattr(key, name))


def check_json(type_name: str, name: str, text: str) -> None:
    """Raise InvalidPayload if a JSON text has the character NUL, or a whole number that canonical JSON cannot hold.

    PostgreSQL cannot store a NUL. An event without a canonical form could be neither exported nor sealed.
    """
    if "\\u0000" in text and _NUL_ESCAPE.search(text):
        raise InvalidPayload(type_name, f"{name} contains the character NUL")
    if _MANY_DIGITS.search(text):
        try:
            canonical_json(text)
        except ValueError as error:
            raise InvalidPayload(type_name, f"{name}: {error}") from error


def check_size(type_name: str, payload: str, before: int) -> int:
    """Return the bytes of an append with this payload, given those before; raises InvalidPayload beyond a limit."""
    size = len(payload) if payload.isascii() else len(payload.encode())
    if before + size <= _LEAST_LIMIT:
        return before + size
    if size > settings.PAYLOAD_MAX_BYTES:
        limit = f"PAYLOAD_MAX_BYTES allows {settings.PAYLOAD_MAX_BYTES}"
        raise InvalidPayload(type_name, f"the payload has {size} bytes; {limit}")
    if before + size > settings.APPEND_MAX_BYTES:
        limit = f"APPEND_MAX_BYTES allows {settings.APPEND_MAX_BYTES}"
        raise InvalidPayload(type_name, f"the payloads of the append have more than {before} bytes; {limit}")
    return before + size


def metadata_json(type_name: str, metadata: dict[str, Any]) -> str:
    """Return metadata as JSON; raises InvalidPayload if it is not JSON."""
    try:
        text = json.dumps(metadata, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(type_name, f"metadata is not JSON: {error}") from error
    if "\\ud" in text:
        _check_encodable(type_name, "metadata", json.dumps(metadata, ensure_ascii=False))
    check_json(type_name, "metadata", text)
    return text


def _check_text(type_name: str, name: str, text: str) -> None:
    if len(text) > _LONGEST[name]:
        raise InvalidPayload(type_name, f"{name} has {len(text)} characters; at most {_LONGEST[name]} are stored")
    if not text.isascii():
        _check_encodable(type_name, name, text)
    if "\0" in text:
        raise InvalidPayload(type_name, f"{name} contains the character NUL")


def _check_encodable(type_name: str, name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidPayload(type_name, f"{name} contains half of a surrogate pair") from error
