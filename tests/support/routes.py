"""Every address that the web answers, as a list of patterns."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def patterns() -> Iterator[str]:
    """Yield the whole pattern of each address, such as `api/events/<int:position>`."""
    yield from _below(get_resolver().url_patterns, "")


def _below(found: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for one in found:
        pattern = prefix + str(one.pattern).removeprefix("^").removesuffix("$")
        if isinstance(one, URLResolver):
            yield from _below(one.url_patterns, pattern)
        else:
            yield pattern
