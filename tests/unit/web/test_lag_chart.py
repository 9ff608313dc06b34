"""The chart of a consumer's lag has a true time axis, and minutes that were not measured are gaps."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from web.books.charts import Span, of_lag

END = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
MINUTE = END.replace(second=0)


@dataclass
class Sample:
    """How far behind a consumer was in a minute."""

    minute: datetime
    lag_events: int
    lag_seconds: float


def ago(minutes: int, lag_events: int, lag_seconds: float) -> Sample:
    return Sample(MINUTE - timedelta(minutes=minutes), lag_events, lag_seconds)


def test_a_minute_stands_where_it_belongs_and_neighbours_that_look_the_same_are_one_span() -> None:
    samples = [ago(30, 4, 1.0), ago(2, 0, 0.0), ago(1, 0, 0.0), ago(0, 8, 2.5)]
    events, seconds = of_lag(1, END, samples)
    assert events.measured == (Span(483.3, 16.7, 32), Span(950.0, 33.3, 2), Span(983.3, 16.7, 62))
    assert [(gap.x, gap.width) for gap in events.gaps] == [(0.0, 483.3), (500.0, 450.0)]
    assert (events.most, seconds.most) == ("8", "2.5")
    assert (events.unmeasured, events.minutes) == (56, 60)
    assert seconds.measured[0].height == 26


def test_the_axis_has_round_times() -> None:
    hour, day = (of_lag(hours, END, [])[0] for hours in (1, 24))
    assert [tick.label for tick in hour.ticks] == ["11:40", "11:50", "12:00", "12:10", "12:20", "12:30"]
    assert [tick.label for tick in day.ticks] == [
        "15:00",
        "18:00",
        "21:00",
        "00:00",
        "03:00",
        "06:00",
        "09:00",
        "12:00",
    ]
    assert day.ticks[-1].x == round((24 * 60 - 1 - 34) / 1440 * 1000, 1)
    assert day.gaps == (Span(0.0, 1000.0, 62),)


def test_a_sample_from_before_the_axis_is_not_drawn() -> None:
    events, _ = of_lag(1, END, [ago(60, 9, 1.0)])
    assert events.measured == ()
    assert events.unmeasured == 60
