"""Types the examples of a page in a shell, one by one, and compares what they print."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.documents.pages import Step, differences
from tests.support.patience import PATIENCE_S
from tests.support.processes import ROOT, resident_address
from tests.support.resident.client import Resident

BEGINS: Final = "\x1e"
"""Printed with a number before the output of each command. No output may begin with it."""

_LINKED: Final = (".venv", "manage.py", "gunicorn.conf.py", "tools")
_AS_RESIDENT: Final = "unset PYTHONPATH && export PYTHONUNBUFFERED=1"
"""Makes Python's own variables those of the run's resident process, which could not fork for others."""


def outputs(
    typed: Iterable[str],
    directory: Path,
    environment: Mapping[str, str],
    project: Path = ROOT,
    linked: Sequence[str] = _LINKED,
) -> list[str]:
    """Return the output of each command, typed in the given folder, which has links to the project's code."""
    for name in linked:
        if not (directory / name).exists():
            (directory / name).symlink_to(ROOT / name)
    script = ["shopt -s expand_aliases", "exec 2>&1", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    commands = list(typed)
    for number, command in enumerate(commands):
        script += [f"echo {BEGINS}{number}", command.rstrip("\n")]
    # The script is a file, so that no command reads the next one as its standard input.
    file = directory / "typed.sh"
    file.write_text("\n".join(script))
    done = subprocess.run(
        ["bash", str(file)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * len(commands),
        check=False,
        cwd=directory,
        env={**environment, "PYTHONPATH": str(project)},
    )
    before, *seen = re.split(rf"{BEGINS}\d+\n", done.stdout)
    assert before == ""
    return seen


def compare(steps: Iterable[Step], seen: Iterable[str]) -> None:
    """Fail with every command whose output differs from what its page promises."""
    wrong = [
        f"{step.at}: {step.command}" + "\n".join(found)
        for step, output in zip(steps, seen, strict=True)
        if (found := differences(step.promised, output))
    ]
    assert not wrong, "\n\n".join(wrong)


def free_port() -> int:
    """Return a free TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def resident(environment: Mapping[str, str], project: Path) -> Iterator[str]:
    """Run a process that has loaded a copy of this project; yield `manage.py`, a shell function that asks it."""
    process = Resident({**environment, "PYTHONPATH": str(project)}, project)
    try:
        yield f'manage.py() {{ {_asking(process.address)} manage.py "$@"; }}'
    finally:
        process.close()


def quick_manage() -> str:
    """Return `manage.py`, a shell function that asks the run's resident process."""
    return f'manage.py() {{ ( {_AS_RESIDENT}; {_asking(resident_address(web=False))} manage.py "$@" ); }}'


def quick_python(directory: Path) -> None:
    """Give a folder a virtual environment: the run's resident processes run its `python manage.py` and `gunicorn`."""
    binaries = directory / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if not program.name.startswith(("python", "gunicorn")):
            (binaries / program.name).symlink_to(program)
    commands, web = (f"{_AS_RESIDENT} && exec {_asking(resident_address(web=web))}" for web in (False, True))
    for name, lines in {
        "python": (f'[ "$1" = manage.py ] && {commands} "$@"', f'exec {sys.executable} "$@"'),
        "gunicorn": (f'{web} -m gunicorn "$@"',),
    }.items():
        (binaries / name).write_text("\n".join(("#!/bin/sh", *lines)))
        (binaries / name).chmod(0o755)


def _asking(address: str) -> str:
    return f"{sys.executable} -S {ROOT}/tests/support/resident/asking.py {address}"
