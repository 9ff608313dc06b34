"""The whole API, as its own document describes it, asked by schemathesis on a live server."""

import os
import sys

import pytest

from tests import processes
from tests.processes import RunManage
from tests.webserver import Serve

ON_POSTGRES = os.environ["DAYBOOK_TEST_VENDOR"] == "postgresql"


@pytest.mark.skipif(not ON_POSTGRES, reason="one database is enough, the one that serves many")
@pytest.mark.timeout(300)
def test_every_operation_answers_as_documented_whatever_it_is_sent(run_manage: RunManage, serve: Serve) -> None:
    token = run_manage("create_api_client", "schemathesis", "--all-commands", "--token").stdout.strip()
    server = serve(STREAM_LIFETIME="1")
    done = processes.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", "tests/schemathesis.toml", "run"),
            f"{server.url}/api/openapi.json",
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--max-examples", "5", "--workers", "4", "--continue-on-failure", "--no-color"),
            *("--seed", "1", "--generation-database", "none"),
        ],
        os.environ,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Tested: 42" in done.stdout
    assert server.process.poll() is None
