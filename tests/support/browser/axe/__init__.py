"""axe-core 4.14.1 as npm has it (Mozilla Public License 2.0, see LICENSE), and how a page is checked by it."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

_SOURCE: Final = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_SERIOUS: Final = {"serious", "critical"}
_RUN: Final = "rules => axe.run(document, {resultTypes: ['violations'], ...(rules ? {runOnly: rules} : {})})"


def findings(page: Page, *rules: str) -> list[str]:
    """Return what axe-core finds on a page that is serious or worse, by all of its rules or by those given."""
    if not page.evaluate("'axe' in window"):
        # The policy of our pages forbids a script of another origin; the debugger of the browser may run one.
        page.evaluate(_SOURCE)
    answer: dict[str, Any] = page.evaluate(_RUN, list(rules) or None)
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for found in answer["violations"]
        if found["impact"] in _SERIOUS
        for node in found["nodes"]
    ]
