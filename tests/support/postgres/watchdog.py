"""Ends a test's PostgreSQL server, in good order or with -9."""

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil


def server_processes(data: Path) -> list[psutil.Process]:
    """Return the processes of the server on this data directory, the postmaster first; none if it is not running.

    The command line is checked too, because after a crash the pid in the file may belong to another process.
    """
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        postmaster = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        if str(data) in postmaster.cmdline():
            return [postmaster, *_descendants(postmaster)]
    return []


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return its children and theirs, which Linux lists; elsewhere psutil asks each process of the machine."""
    try:
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except OSError:
        return process.children(recursive=True) if process.is_running() else []
    found: list[psutil.Process] = []
    for pid in pids:
        with suppress(psutil.Error):
            child = psutil.Process(int(pid))
            found += [child, *_descendants(child)]
    return found


def kill_server(data: Path) -> None:
    """Kill the whole server with -9: the postmaster is stopped first, so that it starts nothing in the meantime."""
    for process in server_processes(data)[:1]:
        with suppress(psutil.Error):
            process.suspend()
    processes = server_processes(data)
    for process in reversed(processes):
        with suppress(psutil.Error):
            process.kill()
    while any(map(_is_alive, processes)):
        time.sleep(0.005)


def _is_alive(process: psutil.Process) -> bool:
    """Return whether it still runs; a zombie that nobody has waited for yet does nothing any more."""
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def end_server(data: Path) -> None:
    """Shut the server down at once, so that it frees its shared memory; a killed server could not."""
    segment = _shared_memory(data)
    processes = server_processes(data)
    for process in processes[:1]:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGQUIT)
    deadline = time.monotonic() + 5
    while any(map(_is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.005)
    kill_server(data)
    if segment is not None and (data / "postmaster.pid").exists():
        subprocess.run(["ipcrm", "-m", segment], check=False, capture_output=True)


def _shared_memory(data: Path) -> str | None:
    """Return the id of the server's shared memory segment, from the seventh line of postmaster.pid."""
    with suppress(OSError, IndexError):
        return (data / "postmaster.pid").read_text().splitlines()[6].split()[1]
    return None
