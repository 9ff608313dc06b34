"""Lets Django read bodies that come in chunks: it reads no body whose length it does not know."""

import io
from collections.abc import Callable, Iterable
from typing import Any, Final

from gunicorn.http.errors import ParseException

from web.server.body_limits import limit_of

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_CHUNK: Final = 64 * 1024


class _Broken(io.RawIOBase):
    """A body that was lost on the way: reading it raises the error again."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _size: int = -1, /) -> bytes:
        """Raise the error as one that Django expects of a body."""
        raise OSError(str(self._error)) from self._error


def with_chunked_bodies(application: Application) -> Application:
    """Return the application. It gets a body in chunks read whole, up to one byte more than a body may have."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # Only a server that decodes chunks itself says that its input ends with the body.
        if "CONTENT_LENGTH" not in environ and environ.get("wsgi.input_terminated"):
            _read(environ)
        return application(environ, start_response)

    return call


def _read(environ: dict[str, Any]) -> None:
    # A longer body is refused by its length, and the rest of it is not read.
    left, chunks = limit_of(environ.get("PATH_INFO", "")) + 1, []
    try:
        while left and (chunk := environ["wsgi.input"].read(min(left, _CHUNK))):
            chunks.append(chunk)
            left -= len(chunk)
    except (OSError, ParseException) as error:
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = _Broken(error), "1"
        return
    body = b"".join(chunks)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
