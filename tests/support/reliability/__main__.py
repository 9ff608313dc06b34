"""`python -m tests.support.reliability --rounds 20 --seed 1`: runs every proof and writes docs/reliability.md."""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

from tests.support.counting import FOLDER
from tests.support.processes import ROOT
from tests.support.reliability.proofs import PROOFS, Proof

PAGE: Final = ROOT / "docs" / "reliability.md"
RESULTS: Final = ROOT / "docs" / "reliability.json"
SOAK: Final = ROOT / "docs" / "soak.json"
_ASKED: Final = ("minutes", "seed", "pause")
"""The options of a soak."""
_NO_LIMIT: Final = {"PYTEST_TIMEOUT": "0"}
"""The limit of each test is that of its short form."""
_SUMMARY: Final = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a proof on one database, and the run that has shown it."""

    run: str
    command: str
    seconds: int
    outcomes: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]

    @property
    def holds(self) -> bool:
        """Whether every test has passed or was skipped with a reason."""
        return self.outcomes.get("passed", 0) > 0 and not self.outcomes.keys() & {"failed", "error", "errors"}


Results = dict[str, dict[str, Result]]
"""The last result by the title of the proof and the database; a run of some proofs keeps those of the others."""


def known() -> Results:
    """Return the results of earlier runs."""
    if not RESULTS.exists():
        return {}
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    return {title: {name: Result(**one) for name, one in by_name.items()} for title, by_name in stored.items()}


def keep(results: Results) -> None:
    """Write the results and the page."""
    stored = {title: {name: asdict(one) for name, one in by_name.items()} for title, by_name in results.items()}
    RESULTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")


def prove(proof: Proof, database: str, rounds: int, seed: int) -> Result:
    """Run a proof on a database."""
    arguments = [
        "-m",
        "pytest",
        "-q",
        f"--hypothesis-seed={seed}",
        "-p",
        f"tests.plugins.{database}",
        *proof.tests.split(),
    ]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DAYBOOK_TEST_ROUNDS": str(rounds), **_NO_LIMIT, FOLDER: folder}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        counts = counted(Path(folder))
    outcomes = (
        {word: int(number) for number, word in _SUMMARY.findall(done.stdout.splitlines()[-1])} if done.stdout else {}
    )
    run = (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, rounds ×{rounds}, Python {platform.python_version()},"
        f" {os.cpu_count()} processors"
    )
    limit = " ".join(f"{name}={value}" for name, value in _NO_LIMIT.items())
    command = f"DAYBOOK_TEST_ROUNDS={rounds} {limit} .venv/bin/python {' '.join(arguments)}"
    result = Result(run, command, round(time.monotonic() - began), outcomes, counts)
    if not result.holds:
        sys.stderr.write(done.stdout + done.stderr)
    return result


def counted(folder: Path) -> dict[str, dict[str, int]]:
    """Return the sums of what the tests have counted."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for file in folder.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            for name, number in one["numbers"].items():
                found[one["what"]][name] += number
    return {what: dict(numbers) for what, numbers in found.items()}


def page(results: Results) -> str:
    """Return the page."""
    lines = [*_HEAD]
    for proof in PROOFS:
        lines += [f"## {proof.title}", "", f"{proof.promise}.", ""]
        of_this = results.get(proof.title, {})
        shown = [part(name, of_this[name]) for name in proof.databases if name in of_this]
        lines += chain.from_iterable(shown or [["Not run yet in its long form.", ""]])
    return "\n".join([*lines, *soak()])


def part(database: str, result: Result) -> list[str]:
    """Return the lines of one result."""
    word = "Holds" if result.holds else "**Does not hold**"
    tests = ", ".join(f"{number} {name}" for name, number in result.outcomes.items())
    lines = [f"{word} on {_NAMES[database]}: {tests}, {result.seconds} s ({result.run}).", ""]
    for what, numbers in sorted(result.counts.items()):
        figures = ", ".join(f"{name} {number:,}" for name, number in sorted(numbers.items()))
        lines.append(f"- {what}: {sum(numbers.values()):,} ({figures})" if len(numbers) > 1 else f"- {what}: {figures}")
    return [*lines, *([""] if result.counts else []), "```console", f"$ {result.command}", "```", ""]


_HEAD: Final = (
    "# Reliability",
    "",
    "What Daybook promises under faults, and the runs that have shown it. `make prove` runs every proof and writes",
    "this page; `.venv/bin/python -m tests.support.reliability TITLE` runs one. `make test` runs a short form of each,",
    "rounds ×1. The figures depend on the machine and on what else it does; whether a promise holds does not.",
    "",
)
_NAMES: Final = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def soak() -> list[str]:
    """Return what the last soak has found, which is a run of its own."""
    if not SOAK.exists():
        return []
    found: dict[str, Any] = json.loads(SOAK.read_text(encoding="utf-8"))
    lines = [
        f"## Soak: {found['minutes']:g} minutes of mixed load with random kills of random processes",
        "",
        f"This run: {found['date']}, seed {found['seed']}, eight clients over HTTP, and one that reads the log.",
        "A web and a copy of each consumer are killed and frozen at random, and so is PostgreSQL. A second web and a",
        "second copy of each are left alone: they show whether memory grows. At the end, what was acknowledged is what",
        "was recorded, what was read is what the log holds, no late fee was charged twice, and neither",
        "`verify_eventstore` nor `verify_ledger` found a fault.",
        "",
        "![Memory, lag and latency](soak.svg)",
        "",
    ]
    for name, value in found.items():
        if name not in {"date", *_ASKED}:
            lines.append(f"- {name}: {text(value)}")
    options = " ".join(f"--{name} {found[name]:g}" for name in _ASKED if name in found)
    return [*lines, "", "```console", f"$ .venv/bin/python -m benchmarks.soak {options}", "```", ""]


def text(value: Any) -> str:
    """Return a figure, or figures by name, as text."""
    if isinstance(value, dict):
        members = ((name, text(member)) for name, member in value.items())
        return ", ".join(f"{name} {member}" for name, member in members)
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Run the proofs; the page is written after each, and the status is 1 if one does not hold."""
    parser = argparse.ArgumentParser(description="Runs proofs in their long form and writes docs/reliability.md.")
    parser.add_argument("titles", nargs="*", metavar="TITLE", help="a proof by its title; without one, all")
    parser.add_argument("--rounds", type=int, default=20, help="how many times the rounds of `make test` are repeated")
    parser.add_argument("--seed", type=int, default=1, help="the seed of hypothesis")
    options = parser.parse_args()
    unknown = set(options.titles) - {proof.title for proof in PROOFS}
    if unknown:
        parser.error(f"there is no proof {', '.join(sorted(unknown))}; there are: {', '.join(p.title for p in PROOFS)}")
    all_hold = True
    for proof in PROOFS:
        is_wanted = proof.title in options.titles if options.titles else not proof.is_apart
        for database in proof.databases if is_wanted else ():
            result = prove(proof, database, options.rounds, options.seed)
            all_hold = all_hold and result.holds
            word = "holds" if result.holds else "DOES NOT HOLD"
            sys.stdout.write(f"{proof.title}: {word} on {_NAMES[database]}, {result.seconds} s\n")
            sys.stdout.flush()
            results = known()
            results.setdefault(proof.title, {})[database] = result
            keep(results)
    sys.exit(0 if all_hold else 1)


if __name__ == "__main__":
    main()
