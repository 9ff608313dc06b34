"""README's tour, and how to write a client, are what one really sees: their commands are run as they stand."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"in [0-9.]+ s\b")


DEMO = "env DEBUG=true .venv/bin/python manage.py demo --database var/demo.sqlite3 > demo.txt || cat demo.txt"


def commands(document: str) -> list[tuple[str, str]]:
    """Return each command of a document, with all its lines, and what it is said to print."""
    steps: list[tuple[str, str]] = []
    for block in CONSOLE.findall((ROOT / document).read_text()):
        within = False
        for line in block.splitlines(keepends=True):
            command, output = steps[-1] if steps else ("", "")
            if line.startswith("$ "):
                steps.append((line[2:], ""))
                within = "<<'END'" in line
            elif command.endswith("\\\n") and not output:
                steps[-1] = (command + line, output)
                within = "<<'END'" in line
            elif within:
                steps[-1] = (command + line, output)
                within = line.rstrip() != "END"
            else:
                steps[-1] = (command, output + line)
    return steps


ON_SQLITE = pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has databases of its own")


@ON_SQLITE
@pytest.mark.parametrize("document", ["README.md", "docs/how-to/write-a-client.md"])
def test_what_is_promised_is_what_one_really_sees(document: str, tmp_path: Path) -> None:
    steps = commands(document)
    assert len(steps) > 10
    seen = outputs([command for command, _ in steps], tmp_path)
    for (command, promised), output in zip(steps, seen, strict=True):
        assert told(output) == told(promised), command


def outputs(typed: list[str], directory: Path) -> list[str]:
    """Return what is seen after each command, in a folder of one's own; what is served has a port of its own."""
    port = free_port()
    script = ["shopt -s expand_aliases", "exec 2>&1", "trap 'kill $(jobs -p)' EXIT", f"cd {directory}"]
    script += [f"ln -s {ROOT}/{name} {name}" for name in (".venv", "manage.py", "gunicorn.conf.py")]
    script += [f"export PYTHONPATH={ROOT} WEB_BIND=127.0.0.1:{port}", "mkdir var"]
    for number, command in enumerate(typed):
        own = DEMO if command == "make demo\n" else command.rstrip("\n").replace(":8000", f":{port}")
        script += [f"echo '=== {number}'", own]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], capture_output=True, text=True, timeout=300, check=False, cwd=ROOT
    )
    before, *seen = re.split(r"^=== \d+\n", done.stdout, flags=re.MULTILINE)
    assert before == ""
    return seen


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def told(output: str) -> list[str]:
    """Return the lines that were printed, in order of standard output before progress, without measured times."""
    return sorted(SECONDS.sub("in a moment", line) for line in output.splitlines())
