"""The security headers of every answer, and the requests that must use HTTPS."""

import re
import secrets
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from tests.support.databases import Database
from tests.support.processes import RunManage

pytestmark = pytest.mark.one_database

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGES = ["/", "/admin/", "/admin/login/", "/api/docs", "/api/openapi.json", "/api/companies", "/nothing", "/o/token/"]
ELSEWHERE = "203.0.113.9"


@pytest.fixture
def browser(database: Database) -> Client:
    """Return a browser in which a superuser has logged in."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root", password="a password"))
    return client


def test_every_answer_has_the_headers_and_a_strict_policy(browser: Client) -> None:
    for page in [*PAGES, "/static/admin/css/base.css"]:
        response = browser.get(page)
        response.close()
        assert {name: response[name] for name in EXPECTED} == EXPECTED, page
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "camera=()" in response["Permissions-Policy"]


def test_the_ledgers_answers_are_not_cached(browser: Client) -> None:
    assert browser.get("/api/companies")["Cache-Control"] == "no-store"
    with closing(browser.get("/static/admin/css/base.css")) as file:
        assert file["Cache-Control"] == "max-age=60, public"


@pytest.mark.parametrize("page", ["/api/docs", "/admin/", "/admin/login/", "/admin/eventstore/event/"])
def test_no_page_uses_what_the_policy_forbids(page: str, browser: Client) -> None:
    html = browser.get(page).text
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|<style|\son[a-z]+=|\sstyle=", html) == []
    assert [link for link in re.findall(r'(?:src|href)="([^"#?]*)', html) if re.match(r"(https?:)?//", link)] == []


def test_plain_http_from_another_machine_is_redirected(browser: Client) -> None:
    response = browser.get("/api/companies?limit=1", REMOTE_ADDR=ELSEWHERE)
    assert (response.status_code, response["Location"]) == (301, "https://testserver/api/companies?limit=1")


def test_behind_a_proxy_the_clients_own_scheme_decides(browser: Client, settings: Settings) -> None:
    settings.WEB_PROXIES, settings.SECURE_PROXY_SSL_HEADER = 1, ("HTTP_X_FORWARDED_PROTO", "https")
    by_http = {"X-Forwarded-For": ELSEWHERE, "X-Forwarded-Proto": "http"}
    assert browser.get("/api/companies", headers=by_http).status_code == 301
    by_https = {"X-Forwarded-For": ELSEWHERE, "X-Forwarded-Proto": "https"}
    response = browser.get("/api/companies", headers=by_https)
    assert (response.status_code, "Strict-Transport-Security" in response) == (200, True)


def test_without_a_proxy_a_claim_of_https_is_not_believed(browser: Client) -> None:
    by_https = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
    assert browser.get("/api/companies", headers=by_https, REMOTE_ADDR=ELSEWHERE).status_code == 301


@pytest.mark.parametrize("probe", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_is_answered_by_plain_http_for_any_host(probe: str, browser: Client) -> None:
    assert browser.get(probe, headers={"Host": "10.1.2.3:8000"}, REMOTE_ADDR=ELSEWHERE).status_code == 200


def test_any_other_path_refuses_an_unknown_host(browser: Client) -> None:
    for address in ("127.0.0.1", ELSEWHERE):
        answer = browser.get("/api/companies", headers={"Host": "evil.example"}, REMOTE_ADDR=address)
        assert (answer.status_code, answer.json()["type"]) == (400, "bad-request")
        fault = "This server does not serve the host evil.example, which the request names."
        assert answer.json()["detail"] == f"{fault} The operator can add it to ALLOWED_HOSTS."
        for path in ("/", "/books/", "/admin/"):
            answer = browser.get(path, headers={"Host": "evil.example"}, REMOTE_ADDR=address)
            assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")
            assert f"<h1>{fault}</h1>" in answer.content.decode()
            assert "The operator can add it to ALLOWED_HOSTS." in answer.content.decode()
    answer = browser.get("/books/", headers={"Host": "<b>a_b</b>"})
    assert "the host &#x27;&lt;b&gt;a_b&lt;/b&gt;&#x27;, which the request names" in answer.content.decode()
    assert "The header Host must be a name of letters" in answer.content.decode()


def test_a_form_that_is_refused_says_why_and_what_to_do() -> None:
    browser = Client(enforce_csrf_checks=True)
    form = {"username": "anna", "password": "x"}
    elsewhere = browser.post("/books/login/", form, secure=True, headers={"Origin": "https://<i>.example"})
    assert elsewhere.status_code == 403
    assert "comes from https://&lt;i&gt;.example, and the host of this server is testserver." in elsewhere.text
    assert "The operator can add that origin to CSRF_TRUSTED_ORIGINS" in elsewhere.text
    referer = "https://user:pw@other.example:8443/books?token=hunter2"
    by_referer = browser.post("/books/login/", form, secure=True, headers={"Referer": referer})
    assert "comes from https://other.example:8443, and the host" in by_referer.text
    hidden = browser.post("/books/login/", form, secure=True, headers={"Origin": "null", "Referer": referer})
    assert (hidden.status_code, "The operator" in hidden.text, "send the form again" in hidden.text) == (
        403,
        False,
        True,
    )
    for secure, remedy in (
        (True, "allow cookies of this page. Open"),
        (False, "page and use https, because HTTPS_ONLY"),
    ):
        origin = "https://testserver" if secure else "http://testserver"
        without_cookie = browser.post("/admin/login/", form, secure=secure, headers={"Origin": origin})
        assert (without_cookie.status_code, remedy in without_cookie.text) == (403, True)


def test_over_https_hsts_is_sent(browser: Client) -> None:
    response = browser.get("/admin/", secure=True)
    assert response["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_cookies_are_sent_over_https_only_and_hidden_from_scripts(database: Database) -> None:
    User.objects.create_superuser("root", password="a password")
    browser = Client()
    browser.post("/admin/login/", {"username": "root", "password": "a password"})
    session = browser.cookies["sessionid"]
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "Lax")


def test_collected_static_files_are_compressed(database: Database, settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = False
    call_command("collectstatic", verbosity=0, ignore_patterns=["*.js", "*.map", "*.svg"])
    with closing(Client().get("/static/admin/css/base.css", headers={"Accept-Encoding": "gzip"})) as file:
        assert (file.status_code, file["Content-Encoding"]) == (200, "gzip")


def test_the_checks_for_production_find_nothing(run_manage: RunManage) -> None:
    production = {"SECRET_KEY": secrets.token_urlsafe(60), "DEBUG": "false", "ALLOWED_HOSTS": "ledger.example"}
    done = run_manage("check", "--deploy", "--fail-level", "WARNING", env=production)
    assert "no issues" in done.stdout


@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/", "/admin/login/", "/api/commands/register-company"])
def test_a_large_file_is_refused_where_no_page_expects_one(path: str, browser: Client) -> None:
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post(path, {"file": BytesIO(b"x" * 2**20)}, secure=True)
    assert (answer.status_code, answer.json()["type"]) == (413, "body-too-large")
