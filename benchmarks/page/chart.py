"""Draws the first figures of docs/performance.md as an SVG: for each row a bar of Daybook and one of each peer."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from benchmarks.page.figures import OURS, Figure
from benchmarks.page.rows import EMMETT, MESSAGE_DB, PYEVENTSOURCING, RAW, ROWS, Row
from benchmarks.page.tables import PEERS, amount

_SVG: Final = "http://www.w3.org/2000/svg"
_HEADING: Final = "How fast Daybook is beside its peers and the raw database: a longer bar is faster"
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_WIDTH: Final = 900
_BAR: Final = 15
_TITLE: Final = 24
_GAP: Final = 12
_LEFT: Final = 130
_LONGEST: Final = 620
_COLOURS: Final = {
    OURS: "#1f6f8b",
    RAW: "#8a8a8a",
    PYEVENTSOURCING: "#b5651d",
    MESSAGE_DB: "#5b8c3a",
    EMMETT: "#8b3a62",
}
_NAMES: Final = {OURS: "Daybook", **PEERS}


def chart(figures: Mapping[str, Figure], rows: Sequence[Row] = ROWS) -> str:
    """Return the SVG: in each row the longest bar is the fastest; what is compared with nothing has no row."""
    shown = [(row, figures[row.name]) for row in rows if row.is_first and len(_bars(figures.get(row.name))) > 1]
    top, parts = 40, []
    for row, figure in shown:
        parts += _row(row, figure, top)
        top += _TITLE + len(_bars(figure)) * _BAR + _GAP
    return "\n".join(
        [
            f'<svg xmlns="{_SVG}" width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}" {_FONT}>',
            f"<title>{_HEADING}</title>",
            f'<rect width="{_WIDTH}" height="{top}" fill="#ffffff"/>',
            f'<text x="10" y="24" font-size="14" font-weight="bold" fill="#222222">{_HEADING}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _bars(figure: Figure | None) -> list[str]:
    """Return the names that have a bar, Daybook first."""
    return [name for name in _COLOURS if figure and name in figure.rounds]


def _row(row: Row, figure: Figure, top: int) -> list[str]:
    names = _bars(figure)
    speeds = {name: figure.median(name) if figure.more_is_better else 1 / figure.median(name) for name in names}
    fastest = max(speeds.values())
    parts = [f'<text x="10" y="{top + 14}" font-weight="bold" fill="#222222">{escape(row.title)}</text>']
    for number, name in enumerate(names):
        y, length = top + _TITLE + number * _BAR, max(1, round(speeds[name] / fastest * _LONGEST))
        weight = ' font-weight="bold"' if name == OURS else ""
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 10}" text-anchor="end" fill="#222222"{weight}>{_NAMES[name]}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{length}" height="{_BAR - 3}" fill="{_COLOURS[name]}"/>',
            f'<text x="{_LEFT + length + 6}" y="{y + 10}" fill="#222222"{weight}>{amount(figure, name)}</text>',
        ]
    return parts
