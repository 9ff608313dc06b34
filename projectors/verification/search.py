"""Compares the words by which people search with the names and references of their streams."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from projectors.models import SearchWord
from projectors.search import words
from projectors.verification.differences import Difference, Party
from projectors.verification.streams import Entity

SEARCHED: Final = {"company": "name", "product": "reference", "asset": "reference", "account": "label"}
"""By category: the field by whose words an entity is found."""


def compare_words(category: str, entities: Sequence[Entity], position: int, rows: QuerySet[Any]) -> int:
    """Compare the words of entities of one category and return the number of rows; raises Difference."""
    found: dict[UUID, list[SearchWord]] = {}
    for row in rows.filter(uuid__in=[UUID(entity.uuid) for entity in entities]):
        found.setdefault(row.uuid, []).append(row)
    for entity in entities:
        uuid, view = UUID(entity.uuid), entity.at.get(position)
        text = None if view is None else getattr(view.state, SEARCHED[category])
        expected = set() if text is None else {(category, word, text) for word in words(text)}
        known = {(row.kind, row.word, row.text) for row in found.get(uuid, [])}
        if expected != known:
            texts = [", ".join(sorted(word for _, word, _ in both)) or "nothing" for both in (expected, known)]
            raise Difference("search", "words", Party(category, uuid), *texts)
    return sum(map(len, found.values()))
