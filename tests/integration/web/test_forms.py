"""Whatever a request can make Django or a library raise is answered with 4xx, and leaves no traceback."""

import os
from io import BytesIO

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from tests.support.databases import Database
from tests.support.webserver import Serve
from web import forms

FORM = "application/x-www-form-urlencoded"
TYPES = [
    *[
        f"{form}; charset={name}"
        for form in (FORM, "application/json", "text/plain")
        for name in ("utf-16", "utf-7", "base64", "idna", "hex", "undefined", "nosuch", '"utf-16', "cp037")
    ],
    f"{FORM}; charset*=nosuch''x",
    f"{FORM}; charset*=utf-8''a%00",
    "multipart/form-data; boundary*=utf-16''x",
    "multipart/form-data; boundary=\xe9",
    "multipart/form-data; charset=base64; boundary=x",
    ";charset=;",
    "\xe9/\xff",
]
PATHS = ["/o/token/", "/o/revoke_token/", "/admin/login/", "/admin/", "/api/commands/register-company", "/nothing"]
TARGETS = [
    "/%00",
    "/admin/%00",
    "/admin/login/?next=%00",
    "/admin/eventstore/event/?q=%00",
    "/admin/eventstore/event/?%00=1",
    "/admin/projectors/bookedline/?q=%00",
    "/admin/auth/user/?q=%00&o=%00",
    "/admin/auth/user/?username__contains=%00",
    "/api/companies/%00",
    "/api/companies?name=%00",
    "/api/events?type=%00&category=%00",
    "/books/trial-balance/principal_receivable/%00?party=00000000-0000-0000-0000-000000000001",
    "/api/trial-balance/principal_receivable/%00/explanation?party_uuid=00000000-0000-0000-0000-000000000001",
    "/static/%00",
    "/static/%ff%fe",
    "/static/" + "a" * 4000,
    "/static/../../manage.py",
    "/%ff%fe%c3%28",
]


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="one database is enough")
def test_no_content_type_makes_a_live_server_fail(serve: Serve) -> None:
    server = serve()
    statuses = {
        (path, content_type): server.ask("POST", f"{path}?a=%31", b"a=%31", {"Content-Type": content_type}).status
        for content_type in TYPES
        for path in PATHS
    }
    assert {key: status for key, status in statuses.items() if status >= 500} == {}
    assert "Traceback" not in server.process.errors()


@pytest.fixture
def operator(database: Database) -> Client:
    """Return a browser in which a superuser has logged in."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("target", TARGETS)
def test_no_path_or_query_makes_a_request_fail(target: str, operator: Client) -> None:
    answer = operator.get(target, secure=True)
    answer.close()
    assert answer.status_code < 500


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.one_database
def test_a_part_with_an_unknown_charset_is_refused(path: str, operator: Client) -> None:
    part = b"--x\r\nContent-Disposition: form-data; name*=nosuch''a\r\n\r\na\r\n--x--\r\n"
    answer = operator.generic("POST", path, part, "multipart/form-data; boundary=x", secure=True)
    assert answer.status_code < 500


def test_a_form_that_does_not_arrive_is_refused() -> None:
    class Broken(BytesIO):
        def read(self, *_size: object) -> bytes:
            raise OSError

    request = RequestFactory().post("/admin/login/", b"a=b", content_type=FORM)
    request.environ["wsgi.input"] = Broken()
    answer = forms.BodyMiddleware(lambda _request: HttpResponse())(WSGIRequest(request.environ))
    assert answer.status_code == 400
