"""Charts as shapes: what a template draws as SVG, in whole units of its view box."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from projectors.explain.product import ProductExplanation
from projectors.explain.reports import Bucket, CurrencyAging

_WIDTH: Final = 1000
_BAR: Final = 300
_LAG_HEIGHT: Final = 60


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


@dataclass(frozen=True, slots=True)
class LagBar:
    """How far behind a consumer was in one minute: a bar that stands on 80."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class LagChart:
    """How far behind a consumer was, minute by minute, on a time axis of 0 to 1000; a gap has no bar."""

    hours: int
    start: datetime
    end: datetime
    width: float
    most: int
    bars: tuple[LagBar, ...]

    @property
    def minutes(self) -> int:
        """The minutes that the chart spans."""
        return self.hours * 60

    @property
    def gaps(self) -> int:
        """The minutes without a sample."""
        return max(self.minutes - len(self.bars), 0)


def of_lag(hours: int, start: datetime, end: datetime, samples: Sequence[LagSample]) -> LagChart:
    """Return the chart of a consumer's lag between two moments."""
    most = max((sample.lag_events for sample in samples), default=0)
    width = _WIDTH / (hours * 60)
    bars = []
    for sample in samples:
        x = round((sample.minute - start) / (end - start) * _WIDTH)
        height = round(sample.lag_events / most * _LAG_HEIGHT) if most else 0
        bars.append(LagBar(max(x, 0), _LAG_HEIGHT + 20 - height, height))
    return LagChart(hours, start, end, round(max(width, 0.7), 1), most, tuple(bars))
