"""Without a terminal, long work is shown in plain lines; work that ends quickly is silent."""

import io

import pytest

from eventstore.management import progress
from eventstore.management.progress import ProgressDisplay


def test_work_that_is_always_shown_ends_with_a_summary() -> None:
    stream = io.StringIO()
    with ProgressDisplay("rebuild", "events", stream) as display:
        display.update(0, 2)
        display.update(1234, 1234)
    assert stream.getvalue().startswith("rebuild: 1,234 events in ")


def test_short_work_is_silent() -> None:
    stream = io.StringIO()
    with ProgressDisplay("run", "events", stream, always=False) as display:
        display.update(2, 2)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("always", [True, False])
def test_long_work_is_shown_from_time_to_time(monkeypatch: pytest.MonkeyPatch, always: bool) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0)
    stream = io.StringIO()
    with ProgressDisplay("run", "events", stream, always=always) as display:
        display.update(0, 4000)
        display.update(1000, 4000)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "run: 0 of 4,000 events, 0/s"
    assert lines[1].startswith("run: 1,000 of 4,000 events, ")
    assert lines[1].endswith(" s left")
