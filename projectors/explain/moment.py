"""The moment that a figure is explained at: the words that name it, and the cut of the log that it stands for.

# Note [Two dates]
Every explanation is cut by two dates. *Recorded up to*: the position of the last event that is looked at. *Counting up
to*: the last business date whose events count. `as_of` names a position or a business date; `known` says what was known
of a date: `now` (everything recorded by now), `then` (only what had been recorded when the date ended), or a position.
A moment without `as_of` is that of all that is recorded; its permanent address names the position.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from ledger.as_of import began, last_cycled, position_as_of
from ledger.rules.refusals.dates import PositionBeyondHead
from projectors.explain.figures import Cut

KNOWN: Final = ("now", "then")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_POSITION: Final = re.compile(r"[0-9]{1,18}")


class ImpossibleMoment(ValueError):
    """The words name no moment; `parameter` is the one that is wrong: `as_of` or `known`."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment. `business_date` is the date that its figures are of, `known` one of KNOWN or a position."""

    cut: Cut
    business_date: date | None
    known: str = "now"


def is_known(text: str) -> bool:
    """Say whether a text can be `known`."""
    return text in KNOWN or _POSITION.fullmatch(text) is not None


def parsed(as_of: str) -> int | date | None:
    """Return the position or date that a text names, None for an empty text; raises ImpossibleMoment."""
    if not as_of:
        return None
    if _POSITION.fullmatch(as_of):
        return int(as_of)
    if not _DATE.fullmatch(as_of):
        raise ImpossibleMoment(
            "as_of", f"as_of={as_of} is not possible: it must be a date such as 2026-01-31, or a position."
        )
    try:
        return date.fromisoformat(as_of)
    except ValueError as error:
        raise ImpossibleMoment("as_of", f"There is no date {as_of}.") from error


def moment(as_of: int | date | None, known: str, head: int) -> Moment:
    """Return a moment in a log that ends at `head`. See Note [Two dates].

    Raises ImpossibleMoment, and the refusals of dates and positions.
    """
    if not is_known(known):
        raise ImpossibleMoment("known", f"known={known} is not possible: it must be now, then or a position.")
    match as_of:
        case None:
            if known != "now":
                raise ImpossibleMoment("known", "known says what was known of a date: name the date in as_of.")
            return Moment(Cut(head), _last_date(head))
        case date():
            return _of_date(as_of, known, head)
        case _:
            position = _recorded(as_of, head)
            return Moment(Cut(position), _last_date(position))


def _of_date(on: date, known: str, head: int) -> Moment:
    ended = position_as_of(on, head)
    if known == "then":
        return Moment(Cut(ended), on, known)
    if known == "now":
        return Moment(Cut(head, on), on, known)
    position, begun = _recorded(int(known), head), began(on)
    if position < begun:
        reason = f"known={known} is not possible: {on} began at event {begun}, so nothing of it was known before."
        raise ImpossibleMoment("known", reason)
    return Moment(Cut(position, on), on, known)


def booked_through(cut: Cut) -> int:
    """Return the last position that a cut counts of whatever counts for its booking date: all but late fees."""
    return cut.position if cut.until is None else position_as_of(cut.until, cut.position)


def named_at(cut: Cut) -> tuple[int, int]:
    """Return the positions whose names a page of a cut shows: where its date ended, and for later companies its own."""
    return booked_through(cut), cut.position


def _recorded(position: int, head: int) -> int:
    if position > head:
        raise PositionBeyondHead(position=position, head=head)
    return position


def _last_date(position: int) -> date | None:
    cycled = last_cycled(position)
    return None if cycled is None else cycled.data.new_date
