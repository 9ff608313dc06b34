"""Packs an append as the parameters of the functions in migrations/sql/append*.postgresql.sql, in binary form."""

import json
from collections.abc import Sequence
from typing import Final

from eventstore.libpq import arrays
from eventstore.log.append_call import Origin, Rows

TYPES: Final = [
    arrays.INTEGER,
    arrays.TEXT_ARRAY,
    arrays.BIGINT_ARRAY,
    arrays.TEXT_ARRAY,
    arrays.BIGINT_ARRAY,
    arrays.BIGINT_ARRAY,
    arrays.TEXT_ARRAY,
    arrays.BIGINT_ARRAY,
    arrays.TEXT_ARRAY,
    arrays.TEXT,
    arrays.TEXT,
    arrays.BIGINT,
    arrays.TEXT,
    arrays.TEXT,
    arrays.TEXT,
    arrays.TEXT,
]
"""The types of the parameters of `pack`."""
TYPES_OF_ONE: Final = [
    arrays.INTEGER,
    arrays.TEXT,
    arrays.BIGINT,
    arrays.TEXT,
    arrays.BIGINT,
    arrays.TEXT,
    arrays.TEXT,
    arrays.TEXT,
    arrays.BIGINT,
    arrays.TEXT,
]
"""The types of the parameters of `pack_one`."""
_ONE: Final = arrays.bigints([1])


def pack(how: int, rows: Rows) -> list[bytes | None]:
    """Return the parameters of the function that appends any events."""
    key = rows.key
    single, streams = len(rows.event_streams) == 1, arrays.texts(rows.stream_ids)
    return [
        arrays.integer(how),
        streams,
        arrays.bigints(rows.expected),
        streams if rows.event_streams == rows.stream_ids else arrays.texts(rows.event_streams),
        _ONE if single else arrays.bigints(rows.stream_indexes),
        _ONE if single else arrays.bigints(rows.places),
        arrays.texts(rows.types),
        arrays.bigints(rows.schema_versions),
        arrays.texts(rows.payloads),
        *_origins(rows.origins),
        *((None, None, None) if key is None else (key.scope.encode(), key.key.encode(), key.fingerprint.encode())),
    ]


def pack_one(how: int, rows: Rows) -> list[bytes | None]:
    """Return the parameters of the function that appends one event to one stream, without a key."""
    [(context, metadata)] = rows.origins
    return [
        arrays.integer(how),
        rows.stream_ids[0].encode(),
        arrays.bigint(rows.expected[0]),
        rows.types[0].encode(),
        arrays.bigint(rows.schema_versions[0]),
        rows.payloads[0].encode(),
        context.actor.encode(),
        context.correlation_id.encode(),
        None if context.causation is None else arrays.bigint(context.causation),
        metadata.encode(),
    ]


def _origins(origins: Sequence[Origin]) -> tuple[bytes | None, bytes | None, bytes | None, bytes]:
    """Return actor, correlation id, causation and metadata, or only the last: a JSON list of those of each event."""
    if len(origins) > 1:
        lists = (
            f"[{json.dumps([context.actor, context.correlation_id, context.causation])},{metadata}]"
            for context, metadata in origins
        )
        return None, None, None, f"[{','.join(lists)}]".encode()
    context, metadata = origins[0]
    causation = None if context.causation is None else arrays.bigint(context.causation)
    return context.actor.encode(), context.correlation_id.encode(), causation, metadata.encode()
