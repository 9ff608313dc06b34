"""The pages that are not of Books work under their content security policy too, and the admin fits a phone."""

from typing import Final

from django.contrib.auth.models import User
from playwright.sync_api import Browser

from tests.acceptance.books.conftest import PASSWORD, Books
from tests.support.browser.visitor import PHONE, Visitor

ADMIN: Final = (
    "/admin/",
    "/admin/eventstore/event/",
    "/admin/eventstore/event/1/change/",
    "/admin/eventstore/checkpoint/",
    "/admin/eventstore/checkpoint/journal/change/",
    "/admin/projectors/financialproduct/",
    "/admin/projectors/journalline/",
)


def test_the_documentation_and_the_admin_work_under_the_policy(browser: Browser, books: Books) -> None:
    with Visitor(browser, books.url, None) as stranger:
        stranger.open("/api/docs")
        stranger.page.locator(".opblock-summary-path").first.wait_for()
        stranger.open("/admin/login/")
        assert "csrfmiddlewaretoken" in stranger.page.content()
        assert stranger.complaints == []


def test_the_pages_of_the_admin_fit_a_phone(browser: Browser, books: Books) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    with Visitor(browser, books.url, None) as root:
        root.page.set_viewport_size(PHONE)
        root.open("/admin/login/")
        root.type("Username:", "root")
        root.type("Password:", PASSWORD)
        root.click("Log in", "button")
        for path in ADMIN:
            root.open(path)
            assert root.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert root.complaints == []
