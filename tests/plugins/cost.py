"""Says what the tests cost: `pytest -p tests.plugins.cost …` ends with tables by file, by fixture and by test (Linux).

A cost is processor time of the worker and of all its descendants, so it hardly depends on what else the machine does.
The PostgreSQL server that forks share is a descendant of pytest only; without `--forks` it counts for the tests too.
"""

import ctypes
import os
import resource
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Self

import pytest

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER: Final = 36
_LONGEST: Final = 30


def processor_time_s() -> float:
    """Return the processor time of this process and of all its descendants, also of those that have ended."""
    own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in own) + _descendants_s(os.getpid())


def _descendants_s(root: int) -> float:
    ticks, parents = 0, [root]
    while parents:
        for child in _children(parents.pop()):
            with suppress(OSError):  # it has ended
                text = Path(f"/proc/{child}/stat").read_text()
                ticks += sum(map(int, text[text.rindex(")") + 2 :].split()[11:15]))
            parents.append(child)
    return ticks / _TICKS_PER_S


def _children(parent: int) -> Iterable[int]:
    with suppress(OSError):
        for thread in Path(f"/proc/{parent}/task").iterdir():
            yield from map(int, (thread / "children").read_text().split())


@dataclass(slots=True)
class Cost:
    """Processor time and time on the clock."""

    processor_s: float = 0
    clock_s: float = 0
    times: int = 0

    def __iadd__(self, other: Self) -> Self:
        """Add another cost."""
        self.processor_s += other.processor_s
        self.clock_s += other.clock_s
        self.times += other.times
        return self


@dataclass(slots=True)
class Meter:
    """Measures parts of a test; the cost of a part does not contain those of the parts within it."""

    within: list[Cost] = field(default_factory=list)

    @contextmanager
    def measure(self, total: Cost) -> Iterator[None]:
        """Add the cost of the block to a total."""
        began = _now()
        self.within.append(Cost())
        try:
            yield
        finally:
            used = _since(began)
            inner = self.within.pop()
            total += Cost(used.processor_s - inner.processor_s, used.clock_s - inner.clock_s, 1)
            if self.within:
                self.within[-1] += used


def _now() -> Cost:
    return Cost(processor_time_s(), time.monotonic())


def _since(began: Cost) -> Cost:
    now = _now()
    return Cost(now.processor_s - began.processor_s, now.clock_s - began.clock_s, 1)


_meter: Final = Meter()
_began: Final[list[Cost]] = []
"""When the test that runs began."""
_fixtures: Final[dict[str, Cost]] = defaultdict(Cost)
"""What the fixtures of the test that runs have cost so far."""


@cache
def _adopt_orphans(_pid: int) -> None:
    """Become the parent of orphans, as their processor time would count for nobody."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart() -> None:
    """Note when a test begins."""
    _adopt_orphans(os.getpid())
    _began[:] = [_now()]
    _fixtures.clear()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Measure the making of a fixture."""
    with _meter.measure(_fixtures[fixturedef.argname]):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add the costs to the last report of a test, with which they reach the process that prints them."""
    report = yield
    if call.when == "teardown":
        costs = {"": astuple(_since(_began[0])), **{name: astuple(cost) for name, cost in _fixtures.items()}}
        report.user_properties = [*report.user_properties, ("cost", costs)]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables."""
    tests, fixtures, files = (defaultdict[str, Cost](Cost) for _ in range(3))
    for report in chain.from_iterable(terminalreporter.stats.values()):
        costs = dict(getattr(report, "user_properties", ())).get("cost", {})
        for name, values in costs.items():
            cost = Cost(*values)
            if name:
                fixtures[name] += cost
            else:
                tests[report.nodeid] += cost
                files[report.nodeid.partition("::")[0]] += cost
    for title, table, most in (("file", files, None), ("fixture", fixtures, None), ("test", tests, _LONGEST)):
        terminalreporter.section(f"cost by {title}: processor s, waiting s, number")
        for line in islice(_lines(table), most):
            terminalreporter.line(line)
    named = sum(cost.processor_s for cost in tests.values())
    terminalreporter.line(f"{processor_time_s():.0f} s of processor time in all, {named:.0f} s of it in tests")


def _lines(table: Mapping[str, Cost]) -> Iterator[str]:
    for name, cost in sorted(table.items(), key=lambda item: -item[1].processor_s):
        yield f"{cost.processor_s:8.2f} {cost.clock_s - cost.processor_s:8.2f} {cost.times:5} {name}"
