"""The static files of the web: each of Django's test clients would look for them anew, a tenth of the web's tests."""

from typing import Any, Final

from whitenoise.middleware import WhiteNoiseMiddleware

_found: Final[dict[str, Any]] = {}


def find_static_files_once() -> None:
    """Let the middlewares of this process share the files that the first of them finds in the applications."""
    find = WhiteNoiseMiddleware.add_files_from_finders

    def find_once(self: WhiteNoiseMiddleware) -> None:
        if not _found:
            find(self)
            _found.update(self.files)
        self.files.update(_found)

    WhiteNoiseMiddleware.add_files_from_finders = find_once
