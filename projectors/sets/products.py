"""The statement that changes all products of a range, made of the changes that single events make."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from eventstore.consumers.catching_up.ranges import EVENTS_OF_RANGE
from eventstore.named_sql import named_sql

_PROBE: Final = 1
_TEXT: Final = Path(__file__).parent / "products.sql"


class _Probe(dict[str, str]):
    """A payload in which one field has an amount; it notes which fields are read."""

    def __init__(self, field: str = "") -> None:
        super().__init__()
        self._field = field
        self.read: list[str] = []

    def __missing__(self, field: str) -> str:
        self.read.append(field)
        return str(_PROBE) if field == self._field else "0"


def statement(changes: Mapping[str, Callable[[Any], Mapping[str, int]]], figures: Sequence[str]) -> str:
    """Return the statement; `changes` says for each type what its payload adds to each figure.

    Every figure is a sum of amounts of the payload, so a payload with a single amount shows where that amount goes.
    """
    deltas: dict[str, list[str]] = {figure: [] for figure in figures}
    for type_, change in changes.items():
        for figure, terms in _terms(change).items():
            deltas[figure].append(f"WHEN '{type_}' THEN {' + '.join(terms) or 0}")
    made = {figure: f"CASE type {' '.join(cases)} END" for figure, cases in deltas.items()}
    return named_sql(
        _TEXT,
        events=EVENTS_OF_RANGE,
        deltas=", ".join(f"{delta} AS {figure}" for figure, delta in made.items()),
        sums=", ".join(f"sum({figure}) AS {figure}" for figure in figures),
        is_incomplete=" OR ".join(f"{figure} IS NULL" for figure in figures),
        figures=", ".join(f"p.{figure} + total.{figure} AS {figure}" for figure in figures),
        settings=", ".join(f"{figure} = figure.{figure}" for figure in figures),
    )["change"]


def _terms(change: Callable[[Any], Mapping[str, int]]) -> dict[str, list[str]]:
    """Return, for each figure, the amounts that are added to it or taken from it."""
    probe = _Probe()
    terms: dict[str, list[str]] = {figure: [] for figure in change(probe)}
    for field in dict.fromkeys(probe.read):
        amount = f"replace(payload->>'{field}', '.', '')::bigint"
        for figure, number in change(_Probe(field)).items():
            if number:
                terms[figure].append(f"{number} * {amount}")
    return terms
