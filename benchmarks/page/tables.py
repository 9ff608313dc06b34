"""The two tables of docs/performance.md, as Markdown: a short one for everybody, and one with every figure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.page.figures import OURS, Figure
from benchmarks.page.rows import EMMETT, MESSAGE_DB, PYEVENTSOURCING, RAW, ROWS, Row

PEERS: Final = {RAW: "raw database", PYEVENTSOURCING: "pyeventsourcing", MESSAGE_DB: "message-db", EMMETT: "Emmett"}
"""The peers that have a column of their own, with their titles."""
_SMALL: Final = 10


def short_table(figures: Mapping[str, Figure], rows: Sequence[Row] = ROWS) -> str:
    """Return the table that opens the page: Daybook, its peers and the raw database."""
    lines = [
        f"| | **Daybook** | {' | '.join(PEERS.values())} |",
        f"|---|---:|{'---:|' * len(PEERS)}",
    ]
    for row in rows:
        figure = figures.get(row.name)
        if row.is_first and figure:
            theirs = [amount(figure, peer) if peer in figure.rounds else "" for peer in PEERS]
            lines.append(f"| {row.title} | **{amount(figure, OURS)}** | {' | '.join(theirs)} |")
    return "\n".join(lines)


def long_table(figures: Mapping[str, Figure], rows: Sequence[Row] = ROWS) -> str:
    """Return the table of every figure: its spread, its goals, and when it was measured."""
    lines = [
        "| figure | Daybook | compared with | Daybook is as fast | goal | reached | measured |",
        "|---|---:|---:|---|---:|---|---|",
    ]
    for row in rows:
        lines += _lines(row, figures.get(row.name))
    unknown = sorted(figures.keys() - {row.name for row in rows})
    for name in unknown:
        lines += _lines(Row(name, name), figures[name])
    return "\n".join(lines)


def amount(figure: Figure, name: str) -> str:
    """Return the median with its unit."""
    return f"{_number(figure.median(name))}{'' if figure.unit.startswith('/') else ' '}{figure.unit}"


def _lines(row: Row, figure: Figure | None) -> Iterator[str]:
    if figure is None:
        goals = [f"{_number(row.goal)}" if row.goal else "", *(f"{_times(n)} {of}" for of, n in row.as_fast.items())]
        yield f"| {row.title} | not measured | | | {', '.join(filter(None, goals))} | | |"
        return
    measured = f"{figure.date}, {figure.commit}, load {figure.load:g}"
    if figure.busy_percent is not None:
        measured += f", others {figure.busy_percent:g} %"
    goal, reached = "", ""
    if row.goal is not None:
        goal = f"{_number(row.goal)}{'' if figure.unit.startswith('/') else ' '}{figure.unit}"
        is_reached = figure.median() >= row.goal if figure.more_is_better else figure.median() <= row.goal
        reached = _yes(is_reached)
    peers = [name for name in figure.rounds if name != OURS]
    ours = f"{amount(figure, OURS)}{_spread(figure)}"
    if row.goal is not None or not peers:
        yield f"| {row.title} | {ours} | | | {goal} | {reached} | {measured} |"
    for number, peer in enumerate(peers):
        title, figures = (row.title, ours) if number == 0 and row.goal is None else ("", "")
        ratio, wanted = figure.as_fast(peer), row.as_fast.get(peer)
        goal, reached = ("", "") if wanted is None else (_times(wanted), _yes(ratio.median >= wanted))
        when = measured if title else ""
        their = f"{PEERS.get(peer, peer)} {amount(figure, peer)}"
        shown = str(ratio) if ratio.least < ratio.greatest else _times(round(ratio.median, 2))
        yield f"| {title} | {figures} | {their} | {shown} | {goal} | {reached} | {when} |"


def _spread(figure: Figure) -> str:
    rounds = figure.rounds[OURS]
    return f" ({_number(min(rounds))}–{_number(max(rounds))})" if len(rounds) > 1 else ""


def _number(value: float) -> str:
    """Return a number with as many digits as somebody compares."""
    if value >= _SMALL * 10 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= _SMALL else f"{value:.2f}"


def _times(value: float) -> str:
    return f"×{value:.3g}"


def _yes(reached: bool) -> str:  # noqa: FBT001 - the word for a truth value
    return "yes" if reached else "**no**"
