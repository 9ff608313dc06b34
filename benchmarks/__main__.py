"""Runs every benchmark in turn; each can be run alone, with options, as `python -m benchmarks.<name>`."""

import subprocess
import sys

from benchmarks.report import say

BENCHMARKS = (
    "append",
    "aggregates",
    "projectors",
    "catching_up",
    "latency",
    "late_fees",
    "memberships",
    "requests",
    "http",
    "moving",
    "seals",
    "books",
)

if __name__ == "__main__":
    failed = []
    for name in BENCHMARKS:
        say(f"\n== {name}")
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
