"""Shows the progress of long work: a bar with rate and time left on a terminal, otherwise a plain line now and then."""

import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_EVERY_S: Final = 5.0


class ProgressDisplay:
    """Shows work of a known, perhaps growing, size on standard error; without `always` only if it takes long."""

    def __init__(self, what: str, unit: str, stream: TextIO | None = None, *, always: bool = True) -> None:
        self._what, self._unit, self._stream, self._always = what, unit, stream or sys.stderr, always
        self._started = self._shown = time.monotonic()
        self._first: int | None = None
        self._bar: Progress | None = None
        self._done = 0

    def __enter__(self) -> Self:
        """Start the display."""
        if self._always:
            self._begin()
        return self

    def _begin(self) -> None:
        if self._bar is None and self._stream.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(file=self._stream))
            self._bar.add_task(self._what, total=None, rate="")
            self._bar.start()

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` is done."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._started = done, now
        self._begin()
        self._done = done
        rate = (done - self._first) / max(now - self._started, 0.001)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total, rate=f"{rate:,.0f} {self._unit}/s")
        elif now - self._shown >= _LINE_EVERY_S:
            self._shown = now
            left = f", {(total - done) / rate:,.0f} s left" if rate else ""
            self._line(f"{done:,} of {total:,} {self._unit}, {rate:,.0f}/s{left}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display with a plain line that says what was done."""
        if self._bar is not None:
            self._bar.stop()
        elif error is None and self._always:
            seconds = time.monotonic() - self._started
            self._line(f"{self._done:,} {self._unit} in {seconds:.1f} s")

    def _line(self, text: str) -> None:
        self._stream.write(f"{self._what}: {text}\n")
        self._stream.flush()
