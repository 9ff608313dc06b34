"""What a run leaves in the log, the checkpoints and the read models, without what differs between any two runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.db.models import AutoField, DateTimeField, Model

from eventstore import store
from eventstore.consumers.registry import consumers, databases
from eventstore.models import Checkpoint, RecordedKey

Outcome = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows by the name of what holds them."""

_OF_A_CHECKPOINT: Final = ("name", "kind", "position", "progress", "error_position", "error_message", "waiting_for")
_OF_A_KEY: Final = ("scope", "key", "fingerprint", "first_position", "last_position")


def outcome() -> Outcome:
    """Return events, idempotency keys, checkpoints, and the live rows of every read model.

    Left out are moments, correlation ids, and the ids of appends and of rows.
    """
    found: dict[str, Sequence[tuple[Any, ...]]] = {
        "events": [
            (event.position, event.stream_id, event.version, event.type, event.payload, event.actor, event.causation)
            for event in store.read_all()
        ],
        "idempotency keys": list(RecordedKey.objects.order_by("pk").values_list(*_OF_A_KEY)),
    }
    for using in databases():
        rows = Checkpoint.objects.using(using).order_by("name")
        found[f"checkpoints in {using}"] = list(rows.values_list(*_OF_A_CHECKPOINT))
    return found | dict(_read_models())


def _read_models() -> Iterator[tuple[str, Sequence[tuple[Any, ...]]]]:
    using = str(settings.READ_DATABASE)
    live = dict(Checkpoint.objects.using(using).values_list("name", "generation"))
    for projector in consumers.projectors.values():
        for table in projector.tables:
            rows = table._default_manager.using(using).filter(generation=live.get(projector.name, 0))  # noqa: SLF001 - Django's public name for it
            found = [tuple(map(str, row)) for row in rows.values_list(*_columns(table))]
            yield table._meta.db_table, sorted(found)  # noqa: SLF001 - as above


def _columns(table: type[Model]) -> list[str]:
    return [
        field.attname
        for field in table._meta.concrete_fields  # noqa: SLF001 - Django's public name for it
        if not isinstance(field, DateTimeField | AutoField) and field.name != "generation"
    ]


def difference(expected: Outcome, found: Outcome) -> str:
    """Return the first difference in one line; "" if there is none."""
    for name, rows in expected.items():
        others = found[name]
        if list(rows) != list(others):
            index = next((i for i, (a, b) in enumerate(zip(rows, others, strict=False)) if a != b), None)
            index = min(len(rows), len(others)) if index is None else index
            return f"{name}: {_row(others, index)} instead of {_row(rows, index)}"
    return ""


def _row(rows: Sequence[tuple[Any, ...]], index: int) -> str:
    return str(rows[index]) if index < len(rows) else "no further row"
