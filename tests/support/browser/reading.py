"""What hinders people who read a page: in light and dark, and on a phone."""

from typing import Final

from playwright.sync_api import Page

from tests.support.browser import axe
from tests.support.browser.visitor import DESK, PHONE

_FAULTS_OF_A_WINDOW: Final = """() => {
    const faults = [], shown = element => element.checkVisibility() && element.innerText.trim();
    if (document.documentElement.scrollWidth > innerWidth)
        faults.push(`it is ${document.documentElement.scrollWidth} wide`);
    for (const amount of document.querySelectorAll("main td.n, main .equation b")) {
        const place = amount.getBoundingClientRect();
        if (shown(amount) && (place.left < 0 || place.right > innerWidth))
            faults.push(`${amount.innerText} is outside`);
    }
    for (const row of document.querySelectorAll("main tbody tr")) {
        const amounts = [...row.querySelectorAll("td.n")];
        if (amounts.some(amount => amount.textContent.trim()) && !amounts.some(shown))
            faults.push(`no amount of ${row.innerText} is shown`);
    }
    return faults;
}"""
_FINISH: Final = "document.getAnimations().forEach(each => each.finish())"
"""Shows at once the colours to which others fade: to wait for them costs ten frames of each page."""


def hindrances(page: Page) -> list[str]:
    """Return what is wrong with the page that is open."""
    found = axe.findings(page)
    page.emulate_media(color_scheme="dark")
    page.evaluate(_FINISH)
    found += [f"dark: {each}" for each in axe.findings(page, "color-contrast", "link-in-text-block")]
    page.set_viewport_size(PHONE)
    found += [f"on a phone: {each}" for each in page.evaluate(_FAULTS_OF_A_WINDOW)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)
    page.evaluate(_FINISH)
    return found
