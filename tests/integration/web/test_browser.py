"""In a real browser, the pages work under their content security policy."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.webserver import Serve

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium"),
    pytest.mark.skipif(os.environ["DAYBOOK_TEST_VENDOR"] != "sqlite", reason="pages are the same on every database"),
]


def opened(address: str, profile: Path) -> tuple[str, str]:
    """Return a page's document after its scripts have run, and the browser's complaints."""
    browse = [
        str(BROWSER),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=10000",
        "--enable-logging=stderr",
        "--dump-dom",
        address,
    ]
    done = subprocess.run(browse, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_the_documentation_and_the_admin_work_under_the_policy(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    documentation, complaints = opened(f"{server.url}/api/docs", tmp_path)
    assert "opblock-summary-path" in documentation, "Swagger's page shows no operation"
    assert complaints == ""
    log_in, complaints = opened(f"{server.url}/admin/login/", tmp_path)
    assert "csrfmiddlewaretoken" in log_in
    assert complaints == ""
