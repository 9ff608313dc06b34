"""How far a long piece of work has got, on standard error: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_S: Final = 5.0


@contextmanager
def shown(what: str, total: int, stream: TextIO) -> Iterator[Callable[[int], None]]:
    """Show the progress of work on `total` things; what is yielded is told how many more are done."""
    if stream.isatty():
        yield from _bar(what, total, stream)
    else:
        yield _Lines(what, total, stream).add


def _bar(what: str, total: int, stream: TextIO) -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(file=stream)) as progress:
        task = progress.add_task(what, total=total, rate="")

        def add(done: int) -> None:
            rate = (progress.tasks[0].completed + done) / max(time.monotonic() - started, 0.001)
            progress.update(task, advance=done, rate=f"{rate:,.0f}/s")

        yield add


class _Lines:
    """A line now and then, for logs."""

    def __init__(self, what: str, total: int, stream: TextIO) -> None:
        self._what, self._total, self._stream = what, total, stream
        self._done = 0
        self._started = self._told = time.monotonic()

    def add(self, done: int) -> None:
        """Count what is done, and say so if the last line is some seconds old or all is done."""
        self._done += done
        now = time.monotonic()
        if now - self._told < _LINE_EVERY_S and self._done < self._total:
            return
        if done == 0 and self._done == self._total:
            return
        self._told = now
        rate = self._done / max(now - self._started, 0.001)
        left = (self._total - self._done) / max(rate, 0.001)
        line = f"{self._what}: {self._done:,} of {self._total:,}, {rate:,.0f}/s, {left:,.0f} s left"
        self._stream.write(f"{line}\n")
        self._stream.flush()
