"""The whole API, as its own document describes it, asked by schemathesis on a live server."""

import os
import sys

import pytest

from ledger import clients
from ledger.names import COMMANDS, permission
from tests.support import processes
from tests.support.api import story
from tests.support.api.calling import Api
from tests.support.databases import Database
from tests.support.rounds import rounds
from tests.support.webserver import Serve, WebServer
from web.api.application import api as the_api

ON_POSTGRES = os.environ["DAYBOOK_TEST_VENDOR"] == "postgresql"
_SCHEMATHESIS = """\
import gc, runpy
gc.set_threshold(20_000) # as in the tests: Python's own number costs a tenth of the processor time
runpy.run_module("schemathesis.cli", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(not ON_POSTGRES, reason="one database is enough, the one that serves many")
def test_every_operation_answers_every_request_as_documented(database: Database, serve: Serve) -> None:
    token = clients.token(clients.create("schemathesis", map(permission, COMMANDS)))
    story.play(Api(token))  # what the document's examples name is there
    server = serve(STREAM_LIFETIME="1")  # a stream ends after a second, while another thread asks for the rest
    # The document is made at its first request; schemathesis waits for it no longer than 10 s.
    assert server.ask("GET", "/api/openapi.json").status == 200
    done = asked(server, token)
    described = sum(len(path_item) for path_item in the_api.get_openapi_schema()["paths"].values())
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert f"Tested: {described}\n" in done.stdout
    assert server.process.poll() is None


def asked(server: WebServer, token: str) -> processes.Finished:
    """Ask with every check there is."""
    command = [
        *(sys.executable, "-c", _SCHEMATHESIS, "--config-file", "tests/schemathesis.toml", "run"),
        f"{server.url}/api/openapi.json",
        *("--header", f"Authorization: Bearer {token}", "--checks", "all"),
        *("--seed", "1", "--max-examples", str(rounds(5))),
        *("--continue-on-failure", "--no-color", "--generation-database", "none", "--workers", "2"),
    ]
    return processes.run(command, os.environ, check=False)
