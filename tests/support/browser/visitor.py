"""A person in front of a browser: what is clicked is counted, and what the browser complains of is kept."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Request, ViewportSize

from tests.support.patience import PATIENCE_S

PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
DESK: Final[ViewportSize] = {"width": 1280, "height": 900}


class Visitor:
    """Somebody who is logged in and starts at `/books/`.

    `complaints` has each error of the console, which names violations of the policy, and each request to another host.
    """

    def __init__(self, browser: Browser, url: str, state: Path | None, *, scripts: bool = True) -> None:
        self._url = url
        self._context = browser.new_context(
            base_url=url,
            storage_state=state,
            viewport=DESK,
            color_scheme="light",
            java_script_enabled=scripts,
            locale="en-US",
            timezone_id="UTC",
        )
        self._context.set_default_timeout(PATIENCE_S * 1000)
        self.page = self._context.new_page()
        self.clicks = self.searches = 0
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._see)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _see(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self._url).netloc:
            self.complaints.append(f"{self.page.url}: a request to {request.url}")

    def open(self, path: str = "/books/") -> None:
        """Type an address; the counts begin anew."""
        self.page.goto(path)
        self.clicks = self.searches = 0

    def click(self, name: str, kind: str = "link") -> None:
        """Click the first link, or button, of this name."""
        self.press(self.page.get_by_role(kind, name=name, exact=True).first)  # type: ignore[arg-type] # a link or a button

    def press(self, place: Locator) -> None:
        """Click a place on the page that leads to another one."""
        assert place.count() == 1, f"{place.count()} of {place} on {self.page.url}"
        with self.page.expect_navigation():
            place.click()
        self.clicks += 1

    def download(self, name: str, to: Path) -> str:
        """Click a link to a file, save the file, and return the name that it is offered under."""
        with self.page.expect_download() as downloading:
            self.page.get_by_role("link", name=name, exact=True).click()
        self.clicks += 1
        downloading.value.save_as(to)
        return downloading.value.suggested_filename

    def type(self, label: str, text: str) -> None:
        """Type into the field of this label."""
        self.page.get_by_label(label, exact=True).fill(text)

    def search(self, text: str) -> None:
        """Search."""
        self.type("Find", text)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Find").click()
        self.searches += 1

    def show_as_of(self, moment: str) -> None:
        """Choose another date or position."""
        self.type("Another date or position", moment)
        self.click("Show", "button")

    def assert_quick(self) -> None:
        """Fail unless the way from `/books/` took at most four clicks, or one search and two clicks."""
        most = 2 if self.searches else 4
        assert self.searches <= 1, self.searches
        assert self.clicks <= most, self.clicks

    def texts(self, selector: str) -> list[str]:
        """Return what is shown at each place that matches."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def text(self, selector: str = "main") -> str:
        """Return what is shown at one place, with single spaces."""
        return " ".join(self.page.locator(selector).inner_text().split())

    def rows(self, table: str = "table.lines") -> list[list[str]]:
        """Return the cells of the body of the first table that matches."""
        return [
            [" ".join(cell.split()) for cell in row.locator("td").all_inner_texts()]
            for row in self.page.locator(table).first.locator("tbody tr").all()
        ]
