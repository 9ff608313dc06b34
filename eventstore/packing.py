"""Arrays and records in PostgreSQL's binary form, packed and unpacked directly.

psycopg looks at every element of every list to choose how to send it, which for one event took longer than all the
rest of the append's Python.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

TEXT, BIGINT, INTEGER = 25, 20, 23
TEXT_ARRAY, BIGINT_ARRAY = 1009, 1016
"""The numbers by which PostgreSQL knows these types."""

_HEADER: Final = struct.Struct("!iiIii")
_LENGTH: Final = struct.Struct("!i")
_INTEGER: Final = struct.Struct("!i")
_BIGINT: Final = struct.Struct("!q")
_BIGINT_ELEMENT: Final = struct.Struct("!iq")
_FIELD: Final = struct.Struct("!Ii")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _header(oid: int, length: int) -> bytes:
    # One dimension, no nulls, elements counted from 1.
    return _HEADER.pack(1, 0, oid, length, 1)


_ONE_TEXT: Final = _header(TEXT, 1)
_ONE_BIGINT: Final = _header(BIGINT, 1)


def texts(values: Sequence[str]) -> bytes:
    """Pack texts as a text[]."""
    if len(values) == 1:
        encoded = values[0].encode()
        return _ONE_TEXT + _LENGTH.pack(len(encoded)) + encoded
    parts = [_header(TEXT, len(values))]
    for value in values:
        encoded = value.encode()
        parts += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(parts)


def bigints(values: Sequence[int]) -> bytes:
    """Pack whole numbers as a bigint[]."""
    if len(values) == 1:
        return _ONE_BIGINT + _BIGINT_ELEMENT.pack(8, values[0])
    packed = [_BIGINT_ELEMENT.pack(8, value) for value in values]
    return b"".join([_header(BIGINT, len(packed)), *packed])


def integer(value: int) -> bytes:
    """Pack a whole number as an integer."""
    return _INTEGER.pack(value)


def bigint(value: int) -> bytes:
    """Pack a whole number as a bigint."""
    return _BIGINT.pack(value)


def fields(record: bytes) -> list[bytes | None]:
    """Unpack a record into its fields, None where a field is null."""
    number = _LENGTH.unpack_from(record)[0]
    found: list[bytes | None] = []
    at = _LENGTH.size
    for _ in range(number):
        _, length = _FIELD.unpack_from(record, at)
        at += _FIELD.size
        found.append(None if length < 0 else record[at : at + length])
        at += max(length, 0)
    return found


def as_bigint(field: bytes | None) -> int:
    """Unpack a bigint; 0 where it is null."""
    value: int = 0 if field is None else _BIGINT.unpack(field)[0]
    return value


def as_bigints(field: bytes | None) -> list[int]:
    """Unpack a bigint[] without nulls; empty where it is null, or has no dimension."""
    if field is None or len(field) < _HEADER.size:
        return []
    return [number for _, number in _BIGINT_ELEMENT.iter_unpack(field[_HEADER.size :])]


def as_text(field: bytes | None) -> str:
    """Unpack a text; empty where it is null."""
    return "" if field is None else field.decode()


def as_moment(field: bytes | None) -> datetime | None:
    """Unpack a timestamptz: microseconds since the year 2000 began, in UTC."""
    return None if field is None else _EPOCH + timedelta(microseconds=as_bigint(field))


def as_flag(field: bytes | None) -> bool:
    """Unpack a boolean; false where it is null."""
    return field == b"\x01"
