"""A ZIP archive that is sent while it is made, in flat memory; the same files give the same bytes.

The last two files say what the others are: `manifest.json`, and `SHA256SUMS` for `sha256sum --check`.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

File = tuple[str, Iterable[str | bytes]]
"""A name and the parts of its content."""

_BEGINNING: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file, the first that the format knows: the content says as of when it is."""
_READABLE: Final = 0o644 << 16
_CHUNK: Final = 1 << 16


class _Sink(io.RawIOBase):
    """Where the archive is written to; it cannot seek, and what is in it can be taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self.length = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep some bytes."""
        self._parts.append(bytes(data))
        self.length += len(self._parts[-1])
        return len(self._parts[-1])

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken, self._parts, self.length = b"".join(self._parts), [], 0
        return taken


def zipped(files: Iterable[File], about: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the bytes of an archive with these files; `about` stands at the beginning of the manifest."""
    sink, listed = _Sink(), list[dict[str, Any]]()
    with ZipFile(sink, "w") as archive:
        for file in files:
            yield from _file(archive, sink, file, listed)
        manifest = json.dumps({**about, "files": list(listed)}, indent=2, ensure_ascii=False)
        yield from _file(archive, sink, ("manifest.json", [f"{manifest}\n"]), listed)
        sums = (f"{each['sha256']}  {each['name']}\n" for each in list(listed))
        yield from _file(archive, sink, ("SHA256SUMS", sums), listed)
    yield sink.take()


def _file(archive: ZipFile, sink: _Sink, file: File, listed: list[dict[str, Any]]) -> Iterator[bytes]:
    name, parts = file
    info = ZipInfo(name, _BEGINNING)
    info.compress_type, info.external_attr = ZIP_DEFLATED, _READABLE
    digest, size = sha256(), 0
    # The size is not known beforehand, so the file has room for one beyond 4 GiB.
    with archive.open(info, "w", force_zip64=True) as entry:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(data)
            size += len(data)
            entry.write(data)
            if sink.length >= _CHUNK:
                yield sink.take()
    listed.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})
