"""The columns of a Parquet file: those of every event, and one for each event type, made from its class.

# Note [A column for each event type]
The payload of an event is a struct in the column that has the name of its type; the columns of all other types are null
there. Its fields have the types of the class: amounts are decimals, dates are dates, and ids are UUIDs. A payload of an
older schema version is first brought to the newest. The column `payload` has what is stored, in canonical form.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from eventstore.errors import CannotExport
from eventstore.payloads.canonical import canonical_json
from eventstore.payloads.registry import registry
from eventstore.payloads.type_hints import Leaf, ListOf, Nullable, OneOf, Record, Shape, fields_of
from eventstore.records import RecordedEvent

_DECIMAL: Final = pa.decimal128(38, 8)
"""Room for sums of amounts, which have at most 18 digits, and for the 8 digits of a rate."""
_MOMENT: Final = pa.timestamp("us", "UTC")
_LEAVES: Final[dict[type, pa.DataType]] = {
    Decimal: _DECIMAL,
    UUID: pa.uuid(),
    datetime: _MOMENT,
    date: pa.date32(),
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
}
_SHARED: Final[tuple[tuple[str, type], ...]] = (
    ("position", int),
    ("stream_id", str),
    ("category", str),
    ("entity", UUID),
    ("version", int),
    ("type", str),
    ("schema_version", int),
    ("recorded_at", datetime),
    ("actor", str),
    ("correlation_id", str),
    ("causation", int),
    ("payload", str),
    ("metadata", str),
)


def schema() -> pa.Schema:
    """Return the columns. See Note [A column for each event type]."""
    shared = [pa.field(name, _LEAVES[kind]) for name, kind in _SHARED]
    return pa.schema([*shared, *(pa.field(name, _type_of(Record(registry.named(name).cls))) for name in _types())])


def table(events: Sequence[RecordedEvent]) -> pa.Table:
    """Return the rows of some events; raises CannotExport if a value does not fit its column."""
    rows = [_shared_values(event) for event in events]
    columns = [_leaf(kind, [row[index] for row in rows]) for index, (_, kind) in enumerate(_SHARED)]
    decoded = [event.data for event in events]
    for name in _types():
        values = [data if event.type == name else None for event, data in zip(events, decoded, strict=True)]
        try:
            columns.append(_array(Record(registry.named(name).cls), values))
        except (pa.ArrowInvalid, OverflowError) as error:
            span = f"{events[0].position} to {events[-1].position}"
            raise CannotExport(f"a {name} at one of the positions {span} does not fit its columns: {error}") from error
    return pa.Table.from_arrays(columns, schema=schema())


def _types() -> list[str]:
    return [name for name in registry.names() if fields_of(registry.named(name).cls)]


def _shared_values(event: RecordedEvent) -> tuple[Any, ...]:
    _, hyphen, entity = event.stream_id.partition("-")
    identity = (event.position, event.stream_id, event.category, UUID(entity) if hyphen else None, event.version)
    context = (event.recorded_at, event.actor, event.correlation_id, event.causation)
    content = (canonical_json(event.payload_json), canonical_json(event.metadata_json))
    return (*identity, event.type, event.schema_version, *context, *content)


def _type_of(shape: Shape) -> pa.DataType:
    match shape:
        case Leaf(kind):
            return _LEAVES[kind]
        case Record(cls):
            return pa.struct([pa.field(field.name, _type_of(field.shape)) for field in fields_of(cls)])
        case ListOf(item):
            return pa.list_(_type_of(item))
        case Nullable(value):
            return _type_of(value)
        case OneOf(values):
            return _LEAVES[type(values[0])]


def _array(shape: Shape, values: Sequence[Any]) -> pa.Array:
    match shape:
        case Leaf(kind):
            return _leaf(kind, values)
        case Record(cls):
            fields = fields_of(cls)
            children = [
                _array(field.shape, [None if value is None else getattr(value, field.name) for value in values])
                for field in fields
            ]
            described = [pa.field(field.name, child.type) for field, child in zip(fields, children, strict=True)]
            return pa.StructArray.from_arrays(children, fields=described, mask=_nulls(values))
        case ListOf(item):
            ends = [0]
            for value in values:
                ends.append(ends[-1] + (0 if value is None else len(value)))
            items = _array(item, [one for value in values if value is not None for one in value])
            return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), items, mask=_nulls(values))
        case Nullable(inner):
            return _array(inner, values)
        case OneOf(literals):
            return _leaf(type(literals[0]), values)


def _leaf(kind: type, values: Sequence[Any]) -> pa.Array:
    if kind is UUID:
        # pyarrow makes no array of an extension type from Python's values.
        stored = pa.array([None if value is None else value.bytes for value in values], pa.binary(16))
        return pa.ExtensionArray.from_storage(pa.uuid(), stored)
    return pa.array(values, _LEAVES[kind])


def _nulls(values: Sequence[Any]) -> pa.Array:
    return pa.array([value is None for value in values], pa.bool_())
