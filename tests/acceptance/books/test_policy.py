"""The pages that are not of Books work under their content security policy too."""

from playwright.sync_api import Browser

from tests.acceptance.books.conftest import Books
from tests.support.browser.visitor import Visitor


def test_the_documentation_and_the_admin_work_under_the_policy(browser: Browser, books: Books) -> None:
    with Visitor(browser, books.url, None) as stranger:
        stranger.open("/api/docs")
        stranger.page.locator(".opblock-summary-path").first.wait_for()
        stranger.open("/admin/login/")
        assert "csrfmiddlewaretoken" in stranger.page.content()
        assert stranger.complaints == []
