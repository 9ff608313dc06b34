"""README, the tour and write-a-client: each command prints what the page says."""

import os
from pathlib import Path

import pytest

from tests.support.documents import pages
from tests.support.documents.terminal import compare, free_port, outputs, quick_python

DEMO = "env DEBUG=true .venv/bin/python manage.py demo --database var/demo.sqlite3"
"""What `make demo` runs."""
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
        demo(step) if step.command == "make demo\n" else step.command.replace(":8000", f":{port}") for step in steps
    ]
    typed = [f"{command}{wait_for(port)}" if command.endswith("&\n") else command for command in typed]
    environment = {**os.environ, "WEB_BIND": f"127.0.0.1:{port}"}
    with quick_python(tmp_path, environment):
        compare(steps, outputs(typed, tmp_path, environment))


def demo(step: pages.Step) -> str:
    """Return the demonstration's command; a page that shows none of its output sees it only if it fails."""
    return DEMO if step.promised else f"{DEMO} > demo.txt || cat demo.txt"


def wait_for(port: int) -> str:
    """Return a command that ends when the server answers: a reader does not type as fast as a test."""
    return f"until curl -sf http://127.0.0.1:{port}/healthz > /dev/null; do sleep 0.1; done\n"
