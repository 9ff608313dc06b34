"""What moving a log costs: exports and imports between PostgreSQL and SQLite, with the peak memory of each.

`python -m benchmarks.moving [--events N]`
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.memberships import FILL, UNCHECKED
from benchmarks.report import say
from benchmarks.server import environment_of, execute, manage, server
from tests.support.postgres.roles import OWNER, as_role


def measured(what: str, url: str, events: int, *arguments: str) -> None:
    """Run a management command and print how many events a second it handled, and its peak memory."""
    began = time.perf_counter()
    command = [sys.executable, "manage.py", *arguments]
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, env=environment_of(url), stdout=output, stderr=output) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        output.seek(0)
        assert process.returncode == 0, output.read().decode()
    say(f"{what}: {events / seconds:,.0f} events/s, {seconds:.0f} s, {usage.ru_maxrss / 1024:,.0f} MiB at most")


def measure(url: str, events: int) -> None:
    """Move a log of so many events from PostgreSQL to SQLite, and compare what both export."""
    execute(url, UNCHECKED + ";" + FILL.format(number=events), "VACUUM ANALYZE eventstore_event")
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "first.jsonl.gz", Path(folder) / "second.jsonl.gz"
        copy = f"sqlite:///{folder}/copy.sqlite3"
        measured("export from PostgreSQL", url, events, "export_log", str(first))
        say(f"the file has {first.stat().st_size / events:.0f} bytes for each event")
        manage(copy, "migrate", "--verbosity", "0")
        measured("import into SQLite", copy, events, "import_log", str(first))
        measured("export from SQLite", copy, events, "export_log", str(second))
        assert first.read_bytes() == second.read_bytes()
        with server() as other:
            measured("import into PostgreSQL", as_role(other, OWNER), events, "import_log", str(second))


def main() -> None:
    """Measure a tenth of the events first: the peak memory must not depend on their number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    arguments = parser.parse_args()
    for events in (arguments.events // 10, arguments.events):
        say(f"{events:,} events")
        with server() as url:
            measure(url, events)


if __name__ == "__main__":
    main()
