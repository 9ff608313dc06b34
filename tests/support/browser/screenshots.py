"""Takes the pictures of Books that README shows: `make screenshots`, always of the demonstration's ledger."""

import os
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize

from tests.support import processes
from tests.support.browser.chromium import browsing
from tests.support.webserver import serving

FOLDER: Final = processes.ROOT / "docs"
VISITOR: Final = "demo"
"""The user that the demonstration makes, and the password."""
INVOICE: Final = "INV-107"
SIZE: Final[ViewportSize] = {"width": 1280, "height": 820}


def take(folder: Path) -> None:
    """Write `books-today.png` and `books-explain.png` into a folder."""
    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "demo.sqlite3"
        processes.run(processes.manage("demo", "--database", str(database)), os.environ, check=True)
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{database}", "HTTPS_ONLY": "false"}
        with serving(environment, Path(place)) as server, browsing() as browser:
            page = browser.new_page(base_url=server.url, viewport=SIZE, color_scheme="light", locale="en-US")
            _log_in(page)
            page.screenshot(path=folder / "books-today.png")
            page.get_by_label("Find", exact=True).fill(INVOICE)
            page.get_by_role("button", name="Find").click()
            page.wait_for_url("**/invoices/*")
            page.screenshot(path=folder / "books-explain.png")


def _log_in(page: Page) -> None:
    page.goto("/books/")
    page.get_by_label("Name").fill(VISITOR)
    page.get_by_label("Password").fill(VISITOR)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/books/")


if __name__ == "__main__":
    take(FOLDER)
