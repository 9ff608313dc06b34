"""README's tour is what one really sees: its commands are run as they stand, after the demonstration."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"in [0-9.]+ s\b")


ALREADY_DONE = "make demo\n"


def tour() -> list[tuple[str, str]]:
    """Return each command of README's tour, with all its lines, and what it is said to print."""
    steps: list[tuple[str, str]] = []
    for block in CONSOLE.findall((ROOT / "README.md").read_text()):
        document = False
        for line in block.splitlines(keepends=True):
            command, output = steps[-1] if steps else ("", "")
            if line.startswith("$ "):
                steps.append((line[2:], ""))
                document = "<<'END'" in line
            elif command.endswith("\\\n") and not output:
                steps[-1] = (command + line, output)
                document = "<<'END'" in line
            elif document:
                steps[-1] = (command + line, output)
                document = line.rstrip() != "END"
            else:
                steps[-1] = (command, output + line)
    return steps


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has an SQLite database of its own")
def test_the_tour_is_what_one_really_sees(tmp_path: Path) -> None:
    steps = tour()
    assert len(steps) > 10
    port = free_port()
    script = ["shopt -s expand_aliases", "exec 2>&1", "trap 'kill $(jobs -p)' EXIT", f"cd {tmp_path}"]
    script += [f"ln -s {ROOT}/{name} {name}" for name in (".venv", "manage.py", "gunicorn.conf.py")]
    script += [f"export PYTHONPATH={ROOT} WEB_BIND=127.0.0.1:{port}", "mkdir var"]
    script += ["env DEBUG=true .venv/bin/python manage.py demo --database var/demo.sqlite3 > demo.txt || cat demo.txt"]
    for number, (command, _) in enumerate(steps):
        done_here = "" if command == ALREADY_DONE else command.rstrip("\n").replace(":8000", f":{port}")
        script += [f"echo '=== {number}'", done_here]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], capture_output=True, text=True, timeout=300, check=False, cwd=ROOT
    )
    seen = re.split(r"^=== \d+\n", done.stdout, flags=re.MULTILINE)
    assert seen[0] == ""
    for (command, promised), output in zip(steps, seen[1:], strict=True):
        assert told(output) == told(promised), command


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def told(output: str) -> list[str]:
    """Return the lines that were printed, in order of standard output before progress, without measured times."""
    return sorted(SECONDS.sub("in a moment", line) for line in output.splitlines())
