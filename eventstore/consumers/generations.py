"""Ties a projector's checkpoint to its rows: each generation knows how far its rows go and which tables it has filled.

# Note [A generation vouches for its rows]
A checkpoint alone says nothing about the rows: it may have been deleted or restored, the projector renamed, a table
emptied. A generation's row moves in the same transaction as the rows and the checkpoint. If they do not agree, the
projector stops and names the rebuild; a projector without a checkpoint begins on a generation that no row uses.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import Max, Model, Q

from eventstore.consumers.at_head import statements
from eventstore.consumers.definitions import Projector
from eventstore.consumers.registry import Group
from eventstore.errors import RowsDoNotMatch
from eventstore.models import Generation


def unused(group: Group, using: str) -> int:
    """Return a number above that of every generation that the group's tables, or their descriptions, use."""
    described = Generation.objects.using(using).filter(projector__in=group.names).aggregate(Max("number"))
    newest: list[int | None] = [described["number__max"]]
    tables = [table for member in group.members for table in member.tables]
    if tables:
        newest += _answers("({})", [_query_of_newest(table, using) for table in tables], using)
    return max([0, *(number for number in newest if number is not None)]) + 1


def begin(names: Sequence[str], number: int, using: str) -> None:
    """Describe a new generation, which has no rows yet."""
    Generation.objects.using(using).bulk_create(
        [Generation(projector=name, number=number, position=0) for name in names], ignore_conflicts=True
    )


def forget(names: Sequence[str], using: str, *, below: int | None = None) -> None:
    """Delete the descriptions of a projector's generations, or only of those below a number."""
    rows = Generation.objects.using(using).filter(projector__in=names)
    (rows if below is None else rows.filter(number__lt=below)).delete()


class GenerationGuard:
    """Checks and moves the description of the generation that a group works on."""

    def __init__(self, group: Group, using: str) -> None:
        self._group, self._using = group, using
        self._number = 0
        self._filled: dict[str, set[str]] = {}

    def check(self, number: int, position: int, described: Sequence[Generation] | None = None) -> None:
        """Raise RowsDoNotMatch if the rows of a generation are not at a position, as described or as read now.

        Tables are looked into when a process first meets the generation; later only positions are compared.
        """
        found = {row.projector: row for row in (self._described(number) if described is None else described)}
        for member in self._group.members:
            row = found.get(member.name)
            if row is None or row.position not in {None, position}:
                at = "unknown" if row is None else f"at position {row.position}"
                raise RowsDoNotMatch(member.name, position, f"its rows of generation {number} are {at}")
        if number != self._number:
            for member in self._group.members:
                self._check_tables(member, set(found[member.name].filled), number, position)
            self._filled = {name: set(row.filled) for name, row in found.items()}
            self._number = number

    def _check_tables(self, member: Projector, filled: set[str], number: int, position: int) -> None:
        for table in member.tables:
            if _name(table) in filled and not _has_rows(table, number, self._using):
                raise RowsDoNotMatch(
                    member.name, position, f"its table {_name(table)} has lost its rows of generation {number}"
                )

    def move(self, number: int, before: int, after: int) -> None:
        """Move the description with the rows, in their transaction; raises RowsDoNotMatch if it was not at `before`."""
        if self._moved(number, before, after) != len(self._group.names):
            self.check(number, before)
        self._note_filled(number)

    def _moved(self, number: int, before: int, after: int) -> int:
        if statements.is_prepared(self._using):
            return statements.move_generation(self._group.names, number, before, after, self._using)
        rows = Generation.objects.using(self._using).filter(projector__in=self._group.names, number=number)
        at_before = Q(position=before) | Q(position=None)  # unknown until the first move after an upgrade
        return rows.filter(at_before).update(position=after)

    def _note_filled(self, number: int) -> None:
        """Note each table once it has rows; one query asks all that had none."""
        missing = [
            (member.name, table)
            for member in self._group.members
            for table in member.tables
            if _name(table) not in self._filled.setdefault(member.name, set())
        ]
        filled = _with_rows([table for _, table in missing], number, self._using)
        for name in {name for name, table in missing if table in filled}:
            new = {_name(table) for owner, table in missing if owner == name and table in filled}
            rows = Generation.objects.using(self._using).filter(projector=name, number=number)
            rows.update(filled=sorted(self._filled[name] | new))

    def _described(self, number: int) -> list[Generation]:
        return list(Generation.objects.using(self._using).filter(projector__in=self._group.names, number=number))

    def remember(self, number: int) -> None:
        """Remember, after a commit, which tables are described as filled."""
        if any(len(self._filled.get(member.name, ())) < len(member.tables) for member in self._group.members):
            self._filled = {row.projector: set(row.filled) for row in self._described(number)}


def _rows(table: type[Model], using: str) -> Any:
    return table._default_manager.using(using)  # noqa: SLF001 - Django's public name for it


def _has_rows(table: type[Model], number: int, using: str) -> bool:
    found: bool = _rows(table, using).filter(generation=number).exists()
    return found


def _with_rows(tables: Sequence[type[Model]], number: int, using: str) -> set[type[Model]]:
    """Return those of the tables that have rows of a generation: one query."""
    if not tables:
        return set()
    found = _answers("EXISTS ({})", [_query_of_a_row(table, number, using) for table in tables], using)
    return {table for table, has_rows in zip(tables, found, strict=True) if has_rows}


_Query = tuple[str, tuple[Any, ...]]


def _answers(form: str, queries: Sequence[_Query], using: str) -> tuple[Any, ...]:
    """Ask several queries, each in the same form, by one statement."""
    with connections[using].cursor() as cursor:
        asked = ", ".join(form.format(sql) for sql, _ in queries)
        cursor.execute(f"SELECT {asked}", [value for _, values in queries for value in values])
        answers: tuple[Any, ...] = cursor.fetchone()
        return answers


@cache
def _query_of_a_row(table: type[Model], number: int, using: str) -> _Query:
    """Return a query that finds a row of a generation; Django takes longer to compose it than a database to run it."""
    return _composed(_rows(table, using).filter(generation=number), using)


@cache
def _query_of_newest(table: type[Model], using: str) -> _Query:
    """Return a query that finds the highest generation of which there are rows."""
    return _composed(_rows(table, using).order_by("-generation"), using)


def _composed(rows: Any, using: str) -> _Query:
    sql, values = rows.values("generation")[:1].query.get_compiler(using).as_sql()
    return sql, tuple(values)


def _name(table: type[Model]) -> str:
    return table._meta.db_table  # noqa: SLF001 - Django's public name for it
