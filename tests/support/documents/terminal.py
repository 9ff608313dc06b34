"""A shell of one's own, in which the examples of a page are typed one after the other."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.documents.pages import Step, differences
from tests.support.processes import ROOT, Started, wait_until

BEGINS: Final = "\x1e"
"""What is printed, with a number, before the output of each command; it may not begin a line."""

_LINKED: Final = (".venv", "manage.py", "gunicorn.conf.py")


def outputs(typed: Iterable[str], directory: Path, environment: Mapping[str, str], timeout: float = 300) -> list[str]:
    """Return what is seen after each command, typed in a folder of one's own beside the project's code."""
    for name in _LINKED:
        if not (directory / name).exists():
            (directory / name).symlink_to(ROOT / name)
    script = ["shopt -s expand_aliases", "exec 2>&1", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for number, command in enumerate(typed):
        script += [f"echo {BEGINS}{number}", command.rstrip("\n")]
    # The script is a file: what a command reads from standard input is not what is typed next.
    file = directory / "typed.sh"
    file.write_text("\n".join(script))
    done = subprocess.run(
        ["bash", str(file)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=directory,
        env={"PYTHONPATH": str(ROOT), **environment},
    )
    before, *seen = re.split(rf"{BEGINS}\d+\n", done.stdout)
    assert before == ""
    return seen


def compare(steps: Iterable[Step], seen: Iterable[str]) -> None:
    """Fail with every command that printed something else than its page promises."""
    wrong = [
        f"{step.at}: {step.command}" + "\n".join(found)
        for step, output in zip(steps, seen, strict=True)
        if (found := differences(step.promised, output))
    ]
    assert not wrong, "\n\n".join(wrong)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def resident(environment: Mapping[str, str]) -> Iterator[str]:
    """Keep a process that has loaded Django, and give the shell's function by which manage.py is typed.

    The project is this one, unless PYTHONPATH in the environment names a copy of it.
    """
    directory = Path(tempfile.mkdtemp(prefix="daybook-"))
    address = directory / "socket"
    process = Started(
        [sys.executable, "-P", "-m", "tests.support.documents.resident", str(address)],
        {"PYTHONPATH": str(ROOT), **environment},
        directory,
    )

    def listens() -> bool:
        assert process.poll() is None, process.errors()
        return address.exists()

    try:
        wait_until(listens)
        yield f'manage.py() {{ {sys.executable} -S {ROOT}/tests/support/documents/asking.py {address} "$@"; }}'
    finally:
        process.kill_group()
        shutil.rmtree(directory)
