"""README's tour, and how to write a client, are what one really sees: their commands are run as they stand."""

import os
from pathlib import Path

import pytest

from tests.support.documents import pages
from tests.support.documents.terminal import compare, free_port, outputs

DEMO = "env DEBUG=true .venv/bin/python manage.py demo --database var/demo.sqlite3 > demo.txt || cat demo.txt"


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "sqlite", reason="has databases of its own")
@pytest.mark.parametrize("page", ["README.md", "docs/how-to/write-a-client.md"])
def test_what_is_promised_is_what_one_really_sees(page: str, tmp_path: Path) -> None:
    steps = pages.steps(page)
    assert len(steps) > 10
    (tmp_path / "var").mkdir()
    port = free_port()
    typed = [DEMO if step.command == "make demo\n" else step.command.replace(":8000", f":{port}") for step in steps]
    compare(steps, outputs(typed, tmp_path, {**os.environ, "WEB_BIND": f"127.0.0.1:{port}"}))
