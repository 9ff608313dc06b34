"""Gaps between the dates of an import that are larger than a business should have: usually a mistyped year."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date

from processmanagers.receivables.file.faults import Fault
from processmanagers.receivables.plan import Part

_REMEDY = "check the year; if it is right, --catch-up begins every date between"


def gap_faults(parts: Sequence[Part], last_cycled: date | None, max_gap: int) -> Iterator[Fault]:
    """Yield a fault for each gap of more than `max_gap` days between dates to begin, or after the last date cycled.

    The fault names the line on the side of the gap where fewer parts are: the others are more likely to be right.
    """
    ordered = sorted(parts, key=lambda part: (part.recorded_on, part.line))
    dates = [part.recorded_on for part in ordered]
    if last_cycled is not None and dates and (dates[0] - last_cycled).days > max_gap:
        text = f"{dates[0]} is {(dates[0] - last_cycled).days} days after {last_cycled}, the last date cycled"
        yield _fault(ordered[0], text, max_gap)
    for index in range(1, len(ordered)):
        before, after = ordered[index - 1], ordered[index]
        days = (after.recorded_on - before.recorded_on).days
        if days <= max_gap:
            continue
        if index < len(ordered) - index:
            # The last part before the gap is the first of its date: name the line that comes first in the file.
            odd = ordered[bisect_left(dates, before.recorded_on)]
            text = f"{odd.recorded_on} is {days} days before {after.recorded_on}, the next date of the file"
            yield _fault(odd, f"{text} (line {after.line})", max_gap)
        else:
            text = f"{after.recorded_on} is {days} days after {before.recorded_on}, the date before it in the file"
            yield _fault(after, f"{text} (line {before.line})", max_gap)


def _fault(part: Part, text: str, max_gap: int) -> Fault:
    return Fault(part.line, part.column, f"{text}; at most {max_gap} are begun at once", _REMEDY)
