"""The faults of a file of invoices: their places, their messages, and the number of those that are shown."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SHOWN: Final = 20
"""The most faults that are shown one by one; a file may contain all of them."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, with its line (the header is line 1) and its column.

    `remedy` names an option that removes this fault and every fault with the same remedy.
    """

    line: int
    column: str
    text: str
    remedy: str = field(default="", compare=False)

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"line {self.line}{column}: {self.text}{remedy}"


class FaultyFile(Exception):
    """The file has `faults`, and nothing was recorded. `notes` say what may be their cause."""

    def __init__(self, faults: Iterable[Fault], notes: Sequence[str] = ()) -> None:
        self.faults, self.notes = tuple(sorted(faults)), tuple(notes)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def shown(faults: Sequence[Fault]) -> list[str]:
    """Return the lines that show faults: one line for all with the same remedy, and at most SHOWN lines in all."""
    number = Counter(fault.remedy for fault in faults if fault.remedy)
    lines: list[str] = []
    for fault in faults:
        others = number.pop(fault.remedy, 0) - 1 if fault.remedy else 0
        if others < 0:
            continue
        lines.append(f"{fault} ({others:,} more faults of this kind)" if others else str(fault))
    hidden = len(lines) - SHOWN
    return lines if hidden <= 0 else [*lines[:SHOWN], f"{hidden:,} more faults; --faults FILE writes all of them"]


def write(faults: Sequence[Fault], path: Path) -> None:
    """Write all faults as CSV; raises OSError."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "column", "fault", "remedy"))
        writer.writerows((fault.line, fault.column, fault.text, fault.remedy) for fault in faults)
