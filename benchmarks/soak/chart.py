"""Draws the samples of a soak as an SVG: memory, lag and latencies over time, and a line for each harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_SVG: Final = "http://www.w3.org/2000/svg"
_WIDTH: Final = 900
_HEIGHT: Final = 150
_LEFT: Final = 70
_TOP: Final = 34
_COLOURS: Final = ("#1f6f8b", "#b5651d", "#5b8c3a", "#8b3a62", "#444444")


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the chart: its title, and its lines by name, each with pairs of seconds and value."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def chart(panels: Sequence[Panel], harms: Sequence[float], seconds: float) -> str:
    """Return the SVG."""
    height = len(panels) * (_HEIGHT + _TOP) + 40
    parts = [
        f'<svg xmlns="{_SVG}" viewBox="0 0 {_WIDTH + _LEFT + 20} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, number * (_HEIGHT + _TOP) + _TOP, harms, seconds)
    parts.append(
        f'<text x="{_LEFT}" y="{height - 16}">0 to {seconds / 60:.0f} minutes; each grey line is a harm</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, top: int, harms: Sequence[float], seconds: float) -> list[str]:
    greatest = max((value for line in panel.lines.values() for _, value in line), default=1) or 1
    bottom = top + _HEIGHT - 20

    def x(at: float) -> str:
        return f"{_LEFT + at / seconds * _WIDTH:.1f}"

    def y(value: float) -> str:
        return f"{bottom - value / greatest * (_HEIGHT - 30):.1f}"

    parts = [f'<line x1="{x(at)}" x2="{x(at)}" y1="{top}" y2="{bottom}" stroke="#dddddd"/>' for at in harms]
    parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{bottom}" y2="{bottom}" stroke="#888888"/>')
    parts.append(f'<text x="{_LEFT - 6}" y="{y(greatest)}" text-anchor="end">{greatest:,.0f}</text>')
    parts.append(f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>')
    parts.append(f'<text x="{_LEFT}" y="{top - 12}" font-weight="bold">{panel.title}</text>')
    for number, (name, line) in enumerate(panel.lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{x(at)},{y(value)}" for at, value in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        parts.append(f'<text x="{_LEFT + 260 + number * 120}" y="{top - 12}" fill="{colour}">{name}</text>')
    return parts
