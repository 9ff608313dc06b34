"""Arrays in PostgreSQL's binary form, packed and unpacked directly.

psycopg inspects every element of every list to choose its form. For one event, that took longer than the rest of the
append's Python code.
"""

import struct
from collections.abc import Sequence
from typing import Final

TEXT, BIGINT, INTEGER = 25, 20, 23
TEXT_ARRAY, BIGINT_ARRAY = 1009, 1016
"""The object ids of these types in PostgreSQL."""

_HEADER: Final = struct.Struct("!iiIii")
_LENGTH: Final = struct.Struct("!i")
_BIGINT: Final = struct.Struct("!q")
_ELEMENT: Final = struct.Struct("!iq")


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
    pack = _ELEMENT.pack
    if len(values) == 1:
        return _ONE_BIGINT + pack(8, values[0])
    return _header(BIGINT, len(values)) + b"".join([pack(8, value) for value in values])


def integer(value: int) -> bytes:
    """Pack a whole number as an integer."""
    return _LENGTH.pack(value)


def bigint(value: int) -> bytes:
    """Pack a whole number as a bigint."""
    return _BIGINT.pack(value)


def numbers(array: bytes) -> list[int]:
    """Unpack a bigint[] that has elements and no nulls."""
    return [number for _, number in _ELEMENT.iter_unpack(array[_HEADER.size :])]
