"""The figures that benchmarks record, each with its rounds, date, commit and load, in docs/performance.json."""

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from benchmarks.report import Ratio

DOCS: Final = Path(__file__).parent.parent.parent / "docs"
FILE: Final = DOCS / "performance.json"
RECORD_IN: Final = "BENCHMARK_FIGURES"
"""The environment variable that names the file; without it, a benchmark records nothing."""
BUSY: Final = "BENCHMARK_BUSY_PERCENT"
"""The environment variable that says how busy others kept the processors before the benchmark began."""
OURS: Final = "daybook"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured in turn: the rounds of Daybook and of each peer, and when and on which machine."""

    unit: str
    rounds: Mapping[str, Sequence[float]]
    date: str
    commit: str
    load: float
    busy_percent: float | None = None

    @classmethod
    def of_now(cls, unit: str, rounds: Mapping[str, Sequence[float]]) -> Self:
        """Return a figure with the date, the commit and the load of now."""
        busy = os.environ.get(BUSY)
        return cls(
            unit,
            {name: [_rounded(value) for value in values] for name, values in rounds.items()},
            f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
            _commit(),
            round(os.getloadavg()[0], 1),
            None if busy is None else float(busy),
        )

    @property
    def more_is_better(self) -> bool:
        """Whether it is a rate; everything else is a time or a size."""
        return self.unit.endswith("/s")

    def median(self, name: str = OURS) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.rounds[name])

    def as_fast(self, peer: str) -> Ratio:
        """Return how many times as fast as the peer Daybook is."""
        ours, theirs = self.rounds[OURS], self.rounds[peer]
        if len(ours) != len(theirs):  # not in turn
            ours, theirs = [self.median()], [self.median(peer)]
        return Ratio.of(ours, theirs) if self.more_is_better else Ratio.of(theirs, ours)


def record(name: str, unit: str, daybook: Sequence[float], peers: Mapping[str, Sequence[float]] | None = None) -> None:
    """Record the rounds of a figure, if this run of the benchmarks records; the name is that of a row in rows.py.

    A unit that ends in "/s" is a rate, of which more is better.
    """
    file = os.environ.get(RECORD_IN)
    if file:
        figure = Figure.of_now(unit, {OURS: daybook, **(peers or {})})
        write(Path(file), {**read(Path(file)), name: figure})


def read(file: Path = FILE) -> dict[str, Figure]:
    """Return the recorded figures by name."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {name: Figure(**figure) for name, figure in known.items()}


def write(file: Path, figures: Mapping[str, Figure]) -> None:
    """Write all figures, in the order of their names, each on a line of its own."""
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(figures[name]))}" for name in sorted(figures)]
    new = file.with_suffix(".new")
    new.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    new.replace(file)


def _rounded(value: float) -> float:
    """Return the value with four digits: more say nothing."""
    return float(f"{value:.4g}")


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], check=False, capture_output=True, text=True, cwd=DOCS
    )
    return done.stdout.strip()
