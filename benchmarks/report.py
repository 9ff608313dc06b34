"""Reports figures: the ratio of each pair, and the spread of the ratios."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratio of two things measured in turn: median, least and greatest of the pairs."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Self:
        """Pair the figures of each round."""
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        return f"×{self.median:.2f} ({self.least:.2f}–{self.greatest:.2f})"


def spread(figures: Sequence[float]) -> str:
    """Tell the median, and the least and the greatest where there are several."""
    if len(figures) == 1:
        return f"{figures[0]:,.0f}"
    return f"{statistics.median(figures):,.0f} ({min(figures):,.0f}–{max(figures):,.0f})"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
