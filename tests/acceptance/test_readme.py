"""README, the tour and write-a-client: each command prints what the page says."""

import os
from pathlib import Path

import pytest

from tests.support.demonstration import demonstration
from tests.support.documents import pages
from tests.support.documents.terminal import compare, free_port, outputs, quick_python
from tests.support.processes import WEB

PAGES = {"README.md": 1, "docs/tour.md": 20, "docs/how-to/write-a-client.md": 20}
"""The pages, and how many commands each has at least."""


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has databases of its own")
@pytest.mark.parametrize("page", PAGES)
def test_each_command_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    steps = pages.steps(page)
    assert len(steps) >= PAGES[page]
    (tmp_path / "var").mkdir()
    port = free_port()
    typed = [
        demo(step, tmp_path) if step.command == "make demo\n" else step.command.replace(":8000", f":{port}")
        for step in steps
    ]
    typed = [f"{command}{wait_for(port)}" if command.endswith("&\n") else command for command in typed]
    environment = {**os.environ, **WEB, "WEB_BIND": f"127.0.0.1:{port}"}
    quick_python(tmp_path)
    compare(steps, outputs(typed, tmp_path, environment))


def demo(step: pages.Step, folder: Path) -> str:
    """Return what takes the place of `make demo`: a command that brings its ledger, and prints what it printed.

    A page that shows none of the output sees none.
    """
    played = demonstration()
    printed = folder / "demo.txt"
    printed.write_text(played.output if step.promised else "")
    return f"cp {played.database} var/demo.sqlite3 && cat {printed}\n"


def wait_for(port: int) -> str:
    """Return a command that ends when the server answers: a reader does not type as fast as a test."""
    return f"until curl -sf http://127.0.0.1:{port}/healthz > /dev/null; do sleep 0.1; done\n"
