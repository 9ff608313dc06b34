"""The tables and the chart of docs/performance.md."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.page import __main__ as writer
from benchmarks.page import figures
from benchmarks.page.chart import chart
from benchmarks.page.figures import Figure
from benchmarks.page.rows import RAW, Row
from benchmarks.page.tables import long_table, short_table

ROWS = (
    Row("appends", "events appended", 1_000, {RAW: 0.5}, is_first=True),
    Row("waits", "milliseconds waited", 3, is_first=True),
    Row("later", "what nobody has measured", 7),
)
FIGURES = {
    "appends": Figure("/s", {"daybook": [900, 950, 1000], RAW: [1800, 1800, 1800]}, "2026-01-01 10:00", "abc", 1.5, 20),
    "waits": Figure("ms", {"daybook": [2]}, "2026-01-01 10:00", "abc", 1.5),
    "of nobody's row": Figure("s", {"daybook": [1], "a peer": [3]}, "2026-01-01 10:00", "abc", 1.5),
}


def test_the_page_shows_the_recorded_figures() -> None:
    text = writer.PAGE.read_text(encoding="utf-8")
    written = writer.page(text) == text and writer.CHART.read_text(encoding="utf-8") == chart(figures.read())
    assert written, "Run `python -m benchmarks.page`: docs/performance.json or a row has changed."


def test_the_short_table_shows_daybook_beside_the_raw_database_and_the_peers() -> None:
    assert short_table(FIGURES, ROWS).splitlines()[2:] == [
        "| events appended | **950/s** | 1,800/s |  |  |  |",
        "| milliseconds waited | **2 ms** |  |  |  |  |",
    ]


def test_the_long_table_says_which_goal_is_reached_and_which_figure_is_missing() -> None:
    assert long_table(FIGURES, ROWS).splitlines()[2:] == [
        "| events appended | 950/s (900–1,000) | | | 1,000/s | **no** | 2026-01-01 10:00, abc, load 1.5, others 20 % |",
        "|  |  | raw database 1,800/s | ×0.53 (0.50–0.56) | ×0.5 | yes |  |",
        "| milliseconds waited | 2 ms | | | 3 ms | yes | 2026-01-01 10:00, abc, load 1.5 |",
        "| what nobody has measured | not measured | | | 7 | | |",
        "| of nobody's row | 1 s | a peer 3 s | ×3 |  |  | 2026-01-01 10:00, abc, load 1.5 |",
    ]


def test_the_chart_has_a_longer_bar_for_what_is_faster_and_sizes_as_attributes() -> None:
    fast = Figure("ms", {"daybook": [1], RAW: [2]}, "", "", 0)
    drawn = ET.fromstring(chart({"appends": FIGURES["appends"], "waits": fast}, ROWS))  # noqa: S314 - our own
    background, *bars = drawn.iter("{http://www.w3.org/2000/svg}rect")
    assert (drawn.get("width"), drawn.get("height")) == (background.get("width"), background.get("height"))
    lengths = [int(bar.get("width", "")) for bar in bars]
    assert lengths[0] < lengths[1]
    assert lengths[2] == 2 * lengths[3]


def test_a_benchmark_records_only_in_a_run_that_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "figures.json"
    figures.record("appends", "/s", [1.0])
    assert not file.exists()
    monkeypatch.setenv(figures.RECORD_IN, str(file))
    figures.record("appends", "/s", [123.456, 2], {RAW: [3, 4]})
    figures.record("waits", "ms", [5])
    read = figures.read(file)
    assert {name: figure.rounds for name, figure in read.items()} == {
        "appends": {"daybook": [123.5, 2], RAW: [3, 4]},
        "waits": {"daybook": [5]},
    }
    assert read["waits"].commit
