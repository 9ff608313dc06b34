"""A payload as HTML: indented, coloured, and with a link from each uuid to its events."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight  # type: ignore[import-untyped] # has no types
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import JsonLexer  # type: ignore[import-untyped]

from eventstore.patterns import DATE_PATTERN, UUID_PATTERN

_UUID = re.compile(rf"\b{UUID_PATTERN}\b")
_MOMENT = re.compile(rf"{DATE_PATTERN}T[0-9]{{2}}:[0-9]{{2}}")
_LONGEST_VALUE = 28
_LONGEST_SUMMARY = 130


def payload_html(payload: Mapping[str, Any], search_url: str = "") -> SafeString:
    """Return the payload as HTML; with `search_url`, each uuid links to a search for it.

    The colours are those of the admin's stylesheet.
    """
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    html = highlight(text, JsonLexer(), HtmlFormatter(cssclass="payload"))

    def link(found: re.Match[str]) -> str:
        return f'<a href="{search_url}?{urlencode({"q": found[0]})}">{found[0]}</a>'

    return mark_safe(_UUID.sub(link, html) if search_url else html)  # noqa: S308 - Pygments has escaped the text, and a uuid needs no escaping


def summary(payload: Mapping[str, Any]) -> str:
    """Return the payload on one line: plain values as they are, and the length of each list."""
    parts = []
    for name, value in payload.items():
        if value is None:
            continue
        if isinstance(value, list):
            shown = f"[{len(value)}]"
        elif isinstance(value, str) and _UUID.fullmatch(value):
            shown = f"{value[:8]}…"
        elif isinstance(value, str) and _MOMENT.match(value):
            shown = value[:16]
        else:
            shown = _shortened(str(value), _LONGEST_VALUE)
        parts.append(f"{name} {shown}")
    return _shortened(", ".join(parts), _LONGEST_SUMMARY)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
