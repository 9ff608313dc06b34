"""The web as gunicorn serves it, with the project's own configuration."""

import signal

from tests.webserver import Serve


def test_it_answers_on_the_tests_own_database(serve: Serve) -> None:
    server = serve()
    assert server.ask("GET", "/readyz").json() == {"status": "ready"}
    assert server.ask("GET", "/api/companies").status == 401


def test_asked_to_end_it_ends(serve: Serve) -> None:
    process = serve().process
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
