"""Compares this tree with another commit in one run, in turn, and names what has become slower by more than its spread.

`python -m benchmarks.commits BASE [--rounds N]`, or `make bench-compare BASE=<commit>`. Processor time is compared, so
that a busy machine disturbs it less. The exit status is 1 if something has become slower.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.report import Ratio, say
from benchmarks.server import SETTINGS, environment_of
from tests.support.postgres.cluster import Cluster
from tests.support.postgres.roles import OWNER, as_role

HERE = Path(__file__).parent.parent.parent
TOLERANCE = 1.03
"""A difference of less is never named: two runs of one commit differ by as much."""


class Side:
    """A tree whose figures are measured, by a process that stays."""

    def __init__(self, tree: Path, url: str) -> None:
        migrating = environment_of(as_role(url, OWNER), {"PYTHONPATH": str(tree)})
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], check=True, cwd=tree, env=migrating)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.commits.side"],
            cwd=tree,
            env=environment_of(url, {"PYTHONPATH": str(tree), "LOG_LEVEL": "info"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """Return the next line that the process prints."""
        assert self._process.stdout is not None
        found = self._process.stdout.readline()
        if not found:
            message = (
                "a side of the comparison has ended: run `python -m benchmarks.commits.side` in its tree to see why"
            )
            raise SystemExit(message)
        return found

    def measure(self, figure: str) -> float:
        """Return the microseconds of processor time that the figure takes."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{figure}\n")
        self._process.stdin.flush()
        return float(self.line())

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Yield a tree of a commit, with the benchmarks and the test support of this one."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "base"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), commit], check=True, cwd=HERE)
        try:
            for folder in ("benchmarks", "tests"):
                shutil.rmtree(tree / folder, ignore_errors=True)
                shutil.copytree(HERE / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], check=True, cwd=HERE)


def main() -> None:
    """Measure both in turn and print each figure; fail if one has become slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        tree = stack.enter_context(checked_out(arguments.base))
        cluster = stack.enter_context(Cluster(durable=True, settings=SETTINGS))
        sides = []
        for name, folder in (("ours", HERE), ("base", tree)):
            cluster.create_database(name)
            sides.append(Side(folder, cluster.url(name)))
            stack.callback(sides[-1].end)
        names, _ = [json.loads(side.line()) for side in sides]
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
        for _ in range(arguments.rounds):
            for name, (ours, base) in found.items():
                ours.append(sides[0].measure(name))
                base.append(sides[1].measure(name))
    slower = report(found)
    if slower:
        sys.exit(f"slower by more than the spread: {', '.join(slower)}")
    say("nothing has become slower by more than its spread")


def report(found: dict[str, tuple[list[float], list[float]]]) -> list[str]:
    """Print each figure, and return those of which every round was slower than the base."""
    slower = []
    for name, (ours, base) in found.items():
        ratio = Ratio.of(ours, base)
        say(f"{name:32} {statistics.median(base):9,.0f} → {statistics.median(ours):9,.0f} µs, {ratio}")
        if ratio.least > TOLERANCE:
            slower.append(name)
    return slower


if __name__ == "__main__":
    main()
