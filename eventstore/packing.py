"""Arrays in the binary form that PostgreSQL reads, packed directly.

psycopg looks at every element of every list to choose how to send it, which for one event took longer than the rest of
the append's own Python.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER: Final = struct.Struct("!iiIii")
_LENGTH: Final = struct.Struct("!i")
_BIGINT: Final = struct.Struct("!iq")
_TEXT_OID, _BIGINT_OID = 25, 20


class Texts:
    """Texts, as a text[]."""

    __slots__ = ("packed",)

    def __init__(self, texts: Sequence[str]) -> None:
        parts = [_header(_TEXT_OID, len(texts))]
        for text in texts:
            encoded = text.encode()
            parts += (_LENGTH.pack(len(encoded)), encoded)
        self.packed = b"".join(parts)


class Bigints:
    """Whole numbers, as a bigint[]."""

    __slots__ = ("packed",)

    def __init__(self, numbers: Iterable[int]) -> None:
        packed = [_BIGINT.pack(8, number) for number in numbers]
        self.packed = b"".join([_header(_BIGINT_OID, len(packed)), *packed])


def _header(oid: int, length: int) -> bytes:
    # One dimension, no nulls, elements counted from 1.
    return _HEADER.pack(1, 0, oid, length, 1)


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = 1009

    def dump(self, obj: Texts) -> bytes:
        """Return what was packed."""
        return obj.packed


class _BigintsDumper(Dumper):
    format = Format.BINARY
    oid = 1016

    def dump(self, obj: Bigints) -> bytes:
        """Return what was packed."""
        return obj.packed


def register(connection: "psycopg.Connection[object]") -> None:
    """Let a connection send packed arrays."""
    connection.adapters.register_dumper(Texts, _TextsDumper)
    connection.adapters.register_dumper(Bigints, _BigintsDumper)
