"""Puts what was searched for in a form in place of the search, and what follows from it."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from eventstore import store
from ledger import states
from ledger.handlers import MAX_POSITION
from ledger.rules.facts import stream_id
from web.books.acting import candidates
from web.books.acting.candidates import MOST, Option
from web.books.acting.catalog import PICKED, REVERSIBLE
from web.books.acting.fields import Fault
from web.books.acting.submitted import FIND, Typed

_NAMES: Final = {"account": "funding account", "product": "invoice"} | {
    category: category for category in ("asset", "company", "deal")
}
_SEVERAL: Final = Fault("Several are named so.", "Choose one of them.")
_MANY: Final = Fault("More are named so than are shown.", "Type more of the name, or choose one of these.")


@dataclass(slots=True)
class Picked:
    """What was typed once every search is answered: what is wrong, and what can be chosen, by the field's name."""

    values: Typed
    faults: dict[str, Fault] = field(default_factory=dict)
    found: dict[str, tuple[Option, ...]] = field(default_factory=dict)


def pick(name: str, values: Typed) -> Picked:
    """Return what was typed with each search answered: one hit is chosen, of several the reader chooses."""
    picked = Picked(dict(values))
    for searched in [each for each in values if each.endswith(FIND)]:
        _search(searched.removesuffix(FIND), picked)
    _follow_event(name, picked.values)
    for chosen in list(picked.values):
        _follow(chosen, picked.values)
    return picked


def _search(full: str, picked: Picked) -> None:
    categories = PICKED[full.rpartition("-")[2]]
    hits = candidates.named(categories, picked.values[full + FIND])
    if len(hits) == 1:
        [(category, option)] = hits
        picked.values[full] = _value(full, category, option)
        del picked.values[full + FIND]
        return
    picked.values.pop(full, None)
    if hits:
        shown = [Option(_value(full, category, hit), hit.name, hit.about) for category, hit in hits[:MOST]]
        picked.found[full] = tuple(shown)
    picked.faults[full] = _none(categories) if not hits else _SEVERAL if len(hits) <= MOST else _MANY


def _none(categories: tuple[str, ...]) -> Fault:
    sentence = f"No {' or '.join(_NAMES[category] for category in categories)} is found by that."
    return Fault(sentence, "The beginning of a word of a name or a reference is enough; a uuid must be whole.")


def _value(full: str, category: str, option: Option) -> str:
    """Return the value of an option; in a field that takes several categories it names the category too."""
    return stream_id(category, UUID(option.value)) if len(PICKED[full.rpartition("-")[2]]) > 1 else option.value


def _follow(chosen: str, values: Typed) -> None:
    """Fill in what a field decides: a source names its kind, and an account names its company."""
    row, _, own = chosen.rpartition("-")
    if own == "from_uuid" and f"{row}-from_type" in values:
        values[chosen] = f"{values.pop(f'{row}-from_type')}-{values[chosen]}"
    elif own == "to_company_account_uuid" and f"{row}-to_company_uuid" not in values:
        company = _company_of(values[chosen])
        if company is not None:
            values[f"{row}-to_company_uuid"] = str(company)


def _company_of(account: str) -> UUID | None:
    try:
        return states.account(UUID(account)).state.company_uuid
    except ValueError:
        return None


def _follow_event(name: str, values: Typed) -> None:
    """Pick what an event is of, if only the event is given."""
    text = values.get("position", "")
    if name not in REVERSIBLE or not text.isdecimal() or not 0 < int(text) <= MAX_POSITION:
        return
    event = store.read_event(int(text))
    if event is not None and event.type in REVERSIBLE[name] and not any(own in values for own in PICKED):
        values[f"{event.category}_uuid"] = str(event.uuid)
