"""The files of exports: compressed or not, and there as a whole or not at all."""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, cast

from eventstore.errors import CannotExport, CannotImport

STANDARD: Final = "-"
"""The name that stands for standard output, or for standard input."""
_GZIP: Final = bytes((0x1F, 0x8B))
_FAST: Final = 6


@contextmanager
def written(name: str, *, compressed: bool) -> Iterator[IO[bytes]]:
    """Yield a file to write to; it gets its name only once the block ends without an error. Raises CannotExport.

    Two processes cannot write to one name: the file of the one that came first, NAME.part, stops the other.
    """
    if name == STANDARD:
        with _compressed(sys.stdout.buffer, compressed=compressed) as file:
            yield file
        sys.stdout.buffer.flush()
        return
    path, part = Path(name), Path(f"{name}.part")
    with ExitStack() as ending:
        try:
            if path.exists():
                raise CannotExport(f"{name} exists: name another file, or delete it")
            raw = ending.enter_context(part.open("xb"))
            ending.callback(part.unlink, missing_ok=True)
            with _compressed(raw, compressed=compressed or name.endswith(".gz")) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
            part.rename(path)
            _keep_names(path.parent)
        except FileExistsError as error:
            raise CannotExport(
                f"{part} exists: another process exports to {name}, or one was killed; wait, or delete it"
            ) from error
        except OSError as error:
            raise CannotExport(f"{name} cannot be written: {error.strerror or error}") from error


def _keep_names(folder: Path) -> None:
    """Let the names of a folder survive a loss of power."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _compressed(raw: IO[bytes], *, compressed: bool) -> Iterator[IO[bytes]]:
    """Yield the file itself, or one that compresses; it keeps neither name nor time, so equal logs give equal files."""
    if not compressed:
        yield raw
        return
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_FAST, fileobj=raw, mtime=0) as file:
        yield cast("IO[bytes]", file)


@contextmanager
def read(name: str) -> Iterator[IO[bytes]]:
    """Yield a file to read from, decompressed; raises CannotImport."""
    with ExitStack() as files:
        try:
            raw = sys.stdin.buffer if name == STANDARD else files.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise CannotImport(f"{name} cannot be read: {error.strerror or error}") from error
        yield decompressed(cast("BufferedReader", raw))


def decompressed(raw: BufferedReader) -> IO[bytes]:
    """Return a file that reads another; whether that one is compressed is seen from its first bytes."""
    if raw.peek(len(_GZIP))[: len(_GZIP)] == _GZIP:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
    return raw
