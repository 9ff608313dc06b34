"""Keeps the words by which companies, products, assets and funding accounts are found.

A word is folded: without case and without accents, so that "Cafe" finds "Café". A reference is also one word as a
whole, so that the beginning of "INV-2031/7" finds it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from django.db.models import Model

from eventstore.consumers.definitions import Projector
from eventstore.records import RecordedEvent
from projectors.events.payloads import payload_of
from projectors.models import SearchWord
from projectors.tables.layout import Row
from projectors.tables.table import Table

MOST_WORDS: Final = 12
"""Words of one name that are kept; a name that is longer is found by its first ones."""

_TABLE = Table(SearchWord, key=("kind", "uuid", "word"))
_WORD: Final = re.compile(r"\w+")
_TEXT_OF: Final = {
    "CompanyRegistered": "name",
    "CompanyRenamed": "name",
    "ProductOriginated": "reference",
    "AssetRegistered": "reference",
    "FundingAccountOpened": "label",
}


class Search(Projector):
    """Projects the words of names, references and labels; a company that is renamed is found by its new name only."""

    name: ClassVar[str] = "search"
    types: ClassVar[tuple[str, ...]] = tuple(_TEXT_OF)
    tables: ClassVar[tuple[type[Model], ...]] = (SearchWord,)

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Write the words of each name, reference or label in place of those before."""
        newest = {event.stream_id: event for event in events}
        renamed = [str(event.uuid) for event in newest.values() if event.type == "CompanyRenamed"]
        # A client chooses uuids: a company, a product and an asset may have the same.
        before = SearchWord.objects.using(using).filter(generation=generation, kind="company", uuid__in=renamed)
        before.delete()
        _TABLE.insert([row for event in newest.values() for row in rows(event)], generation, using)


def rows(event: RecordedEvent) -> Iterator[Row]:
    """Yield the rows that an event makes."""
    kind, _, uuid = event.stream_id.partition("-")
    text = payload_of(event)[_TEXT_OF[event.type]]
    for word in words(text):
        yield {"position": event.position, "kind": kind, "uuid": uuid, "word": word, "text": text}


def words(text: str) -> list[str]:
    """Return the folded words of a name or reference, and the whole of it, each once."""
    return list(dict.fromkeys([*separate_words(text), *filter(None, [whole(text)])]))


def separate_words(text: str) -> list[str]:
    """Return the folded words of a text, at most MOST_WORDS."""
    return [word[:200] for word in _WORD.findall(fold(text))[:MOST_WORDS]]


def whole(text: str) -> str:
    """Return the whole folded text as one word, without its blanks."""
    return "".join(fold(text).split())[:200]


def fold(text: str) -> str:
    """Return a text without case, accents and compatibility forms."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
