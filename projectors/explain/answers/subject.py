"""What can be explained: the amount that a product owes, and the balance of a company, an asset or an account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from eventstore import store
from ledger.rules.facts import stream_id
from ledger.rules.texts import identity
from projectors.explain import sentences
from projectors.explain.balance import BalanceExplanation, explain_balance
from projectors.explain.figures import Cut, Order
from projectors.explain.moment import Moment
from projectors.explain.product import ProductExplanation, explain_product
from projectors.queries.live import position
from projectors.queries.products import products
from projectors.queries.search import find as find_words

Explanation = ProductExplanation | BalanceExplanation

CATEGORIES: Final = ("product", "company", "asset", "account")
_MOST_NAMED: Final = 5
"""How many subjects an ambiguous text names in its refusal."""
_MOST_HITS: Final = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """An entity whose figure can be explained."""

    category: str
    uuid: UUID

    @property
    def stream_id(self) -> str:
        """Its stream."""
        return stream_id(self.category, self.uuid)


class NoSubject(LookupError):
    """A text names nothing that can be explained, or several things."""


def explain(subject: Subject, cut: Cut, order: Order = "counts") -> Explanation | None:
    """Return why a product owes what it owes, or why a balance is what it is; None if it is not there at the cut."""
    if subject.category == "product":
        return explain_product(subject.uuid, cut, order)
    return explain_balance(subject.category, subject.uuid, cut, order)


def sentence(explained: Explanation, at: Moment) -> str:
    """Return an explanation in a sentence."""
    if isinstance(explained, ProductExplanation):
        return sentences.of_product(explained, at.business_date)
    return sentences.of_balance(explained)


def find_subject(text: str) -> Subject:
    """Return what a text names: a uuid, a stream, a product's reference or a company's name; raises NoSubject."""
    found = list(_named(text.strip()))
    match found:
        case [one]:
            return one
        case []:
            raise NoSubject(f"there is no {text!r}: {_sought(text)}")
        case _:
            named = ", ".join(one.stream_id for one in found[:_MOST_NAMED])
            more = " and more" if len(found) > _MOST_NAMED else ""
            raise NoSubject(f"{text!r} names several: {named}{more}; name one of these streams")


def _sought(text: str) -> str:
    if _with_uuid(text):
        return "no product, company, asset or account has this uuid"
    return f"no product has this reference, and no company this name{_behind()}; type the whole of it"


def _named(text: str) -> Iterator[Subject]:
    subjects = list(_with_uuid(text))
    if subjects:
        yield from filter(_exists, subjects)
    else:
        yield from list(_with_reference(text)) or _with_name(text)


def _with_uuid(text: str) -> list[Subject]:
    """Return what a uuid, or a stream with one, may be of; nothing if the text is neither."""
    category, _, rest = text.partition("-")
    uuid = _uuid(text)
    if uuid is not None:
        return [Subject(each, uuid) for each in CATEGORIES]
    of_stream = _uuid(rest) if category in CATEGORIES else None
    return [] if of_stream is None else [Subject(category, of_stream)]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _exists(subject: Subject) -> bool:
    return next(store.read_stream(subject.stream_id, limit=1), None) is not None


def _with_reference(text: str) -> Iterator[Subject]:
    rows = products(reference=text).order_by("product_uuid")
    for uuid in rows.values_list("product_uuid", flat=True)[: _MOST_NAMED + 1]:
        yield Subject("product", uuid)


def _with_name(text: str) -> Iterator[Subject]:
    for hit in find_words(text, limit=_MOST_HITS, kinds=("company",)):
        if identity(hit.text) == identity(text):
            yield Subject("company", hit.uuid)


def _behind() -> str:
    reached, head = position("financial_products", "search"), store.durable_head()
    return "" if reached >= head else f"; the read models that were searched are at {reached} of {head}"
