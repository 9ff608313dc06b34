"""Finds companies, products and assets by the beginnings of the words of their names and references."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models import QuerySet

from projectors.models import SearchWord
from projectors.queries.live import live
from projectors.search import separate_words, whole

MOST_CANDIDATES: Final = 2_000
"""Rows of the first word that are looked at for the other words."""
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Hit:
    """A company, product or asset that was found, and its name or reference."""

    kind: str
    uuid: UUID
    text: str


def find(text: str, *, limit: int, kinds: tuple[str, ...] = ()) -> list[Hit]:
    """Return what begins with a text, or has a word that begins with each of its words; exact matches come first.

    At most MOST_CANDIDATES rows are read: those that begin with the longest of the words.
    """
    rows = live(SearchWord).filter(kind__in=kinds) if kinds else live(SearchWord)
    folded, separate = whole(text), sorted(separate_words(text), key=len, reverse=True)
    if not folded:
        return []
    found = {(row.kind, row.uuid): row for row in _beginning(rows, folded).order_by("word", "kind")[:MOST_CANDIDATES]}
    if len(separate) > 1 and len(found) <= limit:
        found = _with_every_word(rows, separate) | found
    ranked = sorted(found.values(), key=lambda row: (row.word != folded, row.kind, row.text, str(row.uuid)))
    return [Hit(row.kind, row.uuid, row.text) for row in ranked[:limit]]


def _with_every_word(rows: QuerySet[SearchWord], separate: list[str]) -> dict[tuple[str, UUID], SearchWord]:
    longest, *others = separate
    candidates = _beginning(rows, longest).order_by("word", "kind")[:MOST_CANDIDATES]
    found = {(row.kind, row.uuid): row for row in candidates}
    for word in others:
        uuids = [uuid for _, uuid in found]
        having = set(_beginning(rows, word).filter(uuid__in=uuids).values_list("kind", "uuid"))
        found = {name: row for name, row in found.items() if name in having}
    return found


def _beginning(rows: QuerySet[SearchWord], word: str) -> QuerySet[SearchWord]:
    """Return the rows of words that begin so, by the index, as each database can use it."""
    if connections[settings.READ_DATABASE].vendor == "sqlite":
        return rows.filter(word__gte=word, word__lt=word + _LAST)
    return rows.filter(word__startswith=word)
