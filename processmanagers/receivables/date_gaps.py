"""Gaps between the dates of an import that are larger than a business should have: usually a mistyped year."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The parts beyond one gap, in order of their dates, and the nearest date on the other side of it."""

    parts: tuple[Part, ...]
    nearest: date

    @property
    def days(self) -> int:
        """The days between them and the nearest date on the other side."""
        return min(abs((part.recorded_on - self.nearest).days) for part in (self.parts[0], self.parts[-1]))

    def faults(self) -> Iterator[Fault]:
        """Yield a fault for each part."""
        for part in self.parts:
            days = (part.recorded_on - self.nearest).days
            side = "after" if days > 0 else "before"
            text = f"{part.recorded_on} is {abs(days)} days {side} {self.nearest}, the nearest date that is recorded"
            yield Fault(part.line, part.column, text, _REMEDY)

    def __str__(self) -> str:
        first, last = self.parts[0].recorded_on, self.parts[-1].recorded_on
        dates = f"dated {first}" if first == last else f"dated from {first} to {last}"
        number = len({part.line for part in self.parts})
        rows = "1 row" if number == 1 else f"{number:,} rows"
        return f"{rows} {dates} left out: a gap of {self.days:,} days from {self.nearest}; --catch-up records them"


def beyond_gaps(parts: Sequence[Part], last_cycled: date | None, max_gap: int) -> list[LeftOut]:
    """Return the parts that cannot be recorded without beginning every date of a gap.

    The dates that follow the last date cycled without a gap are kept, or in an empty ledger the largest group of dates.
    """
    left_out: list[LeftOut] = []
    rest = sorted(parts, key=lambda part: (part.recorded_on, part.line))
    while rest:
        groups = _without_gaps(rest, max_gap)
        kept = _kept(groups, last_cycled, max_gap)
        found = [LeftOut(tuple(group), _nearest(group, kept, last_cycled)) for group in groups if group is not kept]
        if not found:
            break
        left_out += found
        # The other parts of their invoices are left out with them, which may open another gap.
        invoices = {part.invoice.line for one in found for part in one.parts}
        rest = [part for part in kept if part.invoice.line not in invoices]
    return left_out


def _without_gaps(ordered: Sequence[Part], max_gap: int) -> list[list[Part]]:
    groups = [[ordered[0]]]
    for before, after in pairwise(ordered):
        if (after.recorded_on - before.recorded_on).days > max_gap:
            groups.append([])
        groups[-1].append(after)
    return groups


def _kept(groups: Sequence[list[Part]], last_cycled: date | None, max_gap: int) -> list[Part]:
    if last_cycled is None:
        return max(groups, key=len)
    return groups[0] if (groups[0][0].recorded_on - last_cycled).days <= max_gap else []


def _nearest(group: Sequence[Part], kept: Sequence[Part], last_cycled: date | None) -> date:
    if not kept:
        assert last_cycled is not None  # noqa: S101 - without it the largest group is kept
        return last_cycled
    return kept[-1].recorded_on if group[0].recorded_on > kept[-1].recorded_on else kept[0].recorded_on
