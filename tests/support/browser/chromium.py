"""Starts the machine's Chromium without a window; nothing is downloaded."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.support import scratch
from tests.support.patience import PATIENCE_S

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""What is looked for, in this order: the shell has no user interface, and takes half the processor time."""
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)


def program() -> str | None:
    """Return the path of Chromium, None if the machine has none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run Chromium until the block ends; its profile is new and empty."""
    with (
        sync_playwright() as driver,
        tempfile.TemporaryDirectory(prefix="daybook-chromium-", dir=scratch.quick()) as home,
    ):
        browser = driver.chromium.launch(
            executable_path=program(),
            args=_OPTIONS,
            env={"HOME": home, "PATH": "/usr/bin:/bin"},
            timeout=PATIENCE_S * 1000,
        )
        yield browser
        browser.close()
