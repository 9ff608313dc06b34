"""Charts as shapes: what a template draws as SVG, in whole units of its view box."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from projectors.explain.product import ProductExplanation
from projectors.explain.reports import Bucket, CurrencyAging

_WIDTH: Final = 1000
_BAR: Final = 300
_LAG_HEIGHT: Final = 60
_BASE: Final = 84
_FLAT: Final = 2
"""The height of a minute in which a consumer was at the head."""
_EDGE: Final = 20
"""Labels are not drawn nearer to the ends of the axis."""


@dataclass(frozen=True, slots=True)
class ProductChart:
    """When a product's principal was owed, when it was overdue, and its fees, on a time axis of 0 to 1000."""

    start: date
    end: date
    due: date
    due_at: int
    owed_until: date | None
    owed_to: int
    overdue_from: int
    overdue_width: int
    fees: tuple[int, ...]


def of_product(explained: ProductExplanation, on: date | None) -> ProductChart | None:
    """Return the chart of a product, None if its dates do not span any time."""
    dated = [row.counts_for for row in explained.rows if row.counts_for is not None]
    due = explained.state.due_date
    if not dated or due is None:
        return None
    ended = [row.counts_for for row in explained.rows if row.changes[0] < 0 and not row.after[0]]
    owed_until = ended[-1] if ended and not explained.state.principal_outstanding else None
    start, last = min(dated), max(*dated, due, due if owed_until else on or due)
    end = last + max(timedelta(days=1), (last - start) / 30)

    def at(when: date) -> int:
        return round((when - start) / (end - start) * _WIDTH)

    owed_to = at(owed_until or end)
    overdue_from = min(at(due), owed_to)
    return ProductChart(
        start=start,
        end=end,
        due=due,
        due_at=at(due),
        owed_until=owed_until,
        owed_to=owed_to,
        overdue_from=overdue_from,
        overdue_width=owed_to - overdue_from,
        fees=tuple(at(row.counts_for) for row in explained.fees if row.counts_for is not None),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """What is owed in one bucket, and the width of its bar, at most 300."""

    bucket: Bucket
    width: int


@dataclass(frozen=True, slots=True)
class CurrencyBars:
    """What is owed in one currency by how long it is past due."""

    currency: str
    bars: tuple[Bar, ...]


def of_aging(currencies: Sequence[CurrencyAging]) -> list[CurrencyBars]:
    """Return the bars of each currency; the longest is the greatest amount of its currency."""
    return [CurrencyBars(each.currency, tuple(_bars(each))) for each in currencies]


def _bars(currency: CurrencyAging) -> Iterator[Bar]:
    most = max(bucket.owed for bucket in currency.buckets) or 1
    for bucket in currency.buckets:
        yield Bar(bucket, round(bucket.owed / most * _BAR))


class LagSample(Protocol):
    """How far behind a consumer was in a minute."""

    minute: datetime
    lag_events: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes side by side that look the same: from `x`, `width` wide and `height` high on the base line."""

    x: float
    width: float
    height: float

    @property
    def y(self) -> float:
        """Where it begins, from the top."""
        return _BASE - self.height


@dataclass(frozen=True, slots=True)
class Tick:
    """A round time on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class LagChart:
    """How far behind a consumer was, minute by minute, on a time axis of 0 to 1000.

    `measured` are the minutes with a sample, `gaps` those without one.
    """

    hours: int
    unit: str
    most: str
    measured: tuple[Span, ...]
    gaps: tuple[Span, ...]
    unmeasured: int
    ticks: tuple[Tick, ...]

    @property
    def minutes(self) -> int:
        """The minutes that the chart spans."""
        return self.hours * 60


def of_lag(hours: int, end: datetime, samples: Sequence[LagSample]) -> tuple[LagChart, LagChart]:
    """Return the charts of a consumer's lag over the hours until a moment, in events and in seconds."""
    first = end.replace(second=0, microsecond=0) - timedelta(minutes=hours * 60 - 1)
    minutes = [first + timedelta(minutes=number) for number in range(hours * 60)]
    events: dict[datetime, float] = {sample.minute: sample.lag_events for sample in samples}
    seconds = {sample.minute: sample.lag_seconds for sample in samples}
    return _of_unit(hours, "events", minutes, events), _of_unit(hours, "seconds", minutes, seconds)


def _of_unit(hours: int, unit: str, minutes: Sequence[datetime], lags: Mapping[datetime, float]) -> LagChart:
    found = [lags.get(minute) for minute in minutes]
    most = max((lag for lag in found if lag is not None), default=0)
    heights = [None if lag is None else _FLAT + round(lag / most * _LAG_HEIGHT) if most else _FLAT for lag in found]
    spans = list(_spans(heights))
    every = 10 if hours == 1 else 180
    ticks = [
        Tick(round(number / len(minutes) * _WIDTH, 1), f"{minute:%H:%M}")
        for number, minute in enumerate(minutes)
        if (minute.hour * 60 + minute.minute) % every == 0
    ]
    return LagChart(
        hours=hours,
        unit=unit,
        most=f"{most:,.1f}" if unit == "seconds" else f"{most:,.0f}",
        measured=tuple(span for span, height in spans if height is not None),
        gaps=tuple(span for span, height in spans if height is None),
        unmeasured=found.count(None),
        ticks=tuple(tick for tick in ticks if _EDGE <= tick.x <= _WIDTH - _EDGE),
    )


def _spans(heights: Sequence[int | None]) -> Iterator[tuple[Span, int | None]]:
    """Yield neighbours of the same height as one span; None is the height of what was not measured."""
    first = 0
    for height, run in groupby(heights):
        number = len(list(run))
        x, width = first / len(heights) * _WIDTH, number / len(heights) * _WIDTH
        yield Span(round(x, 1), round(width, 1), _LAG_HEIGHT + _FLAT if height is None else height), height
        first += number
