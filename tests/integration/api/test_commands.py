"""Each command over HTTP: what it takes, what it answers, and what it leaves in the log."""

from uuid import uuid4

from tests.integration.api.calling import Api


def test_smoke(api: Api) -> None:
    response = api.command("register-company", {"company_uuid": str(uuid4()), "name": "Acme"})
    assert response.status_code == 201, response.content
