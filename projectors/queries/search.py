"""Finds companies, products, assets and accounts by the beginnings of words of their names, references and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models import QuerySet

from ledger.rules.texts import identity
from projectors.models import Balance, FinancialProduct, SearchWord
from projectors.queries.live import live
from projectors.search import separate_words, whole

MOST_CANDIDATES: Final = 2_000
"""Rows of the first word that are looked at for the other words."""
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Hit:
    """A company, product, asset or account that was found, and its name, reference or label."""

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


def without_assets_of_products(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without each asset that bears the reference of an invoice among them that it backs."""
    references = {hit.uuid: identity(hit.text) for hit in hits if hit.kind == "product"}
    rows = live(FinancialProduct).filter(product_uuid__in=references, asset_uuid__isnull=False)
    backing = {(asset, references[uuid]) for uuid, asset in rows.values_list("product_uuid", "asset_uuid")}
    return [hit for hit in hits if hit.kind != "asset" or (hit.uuid, identity(hit.text)) not in backing]


def accounts_of(hits: Sequence[Hit], *, limit: int) -> list[Hit]:
    """Return the funding accounts of the companies among the hits, each with its label and its company's name."""
    companies = {hit.uuid: hit.text for hit in hits if hit.kind == "company"}
    found = {hit.uuid for hit in hits if hit.kind == "account"}
    rows = live(Balance).filter(entity=Balance.Entity.ACCOUNT, company_uuid__in=companies).order_by("label", "uuid")
    named = rows.exclude(uuid__in=found).values_list("uuid", "label", "company_uuid")[:limit]
    return [Hit("account", uuid, f"{label} of {companies[of]}") for uuid, label, of in named if of]


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
