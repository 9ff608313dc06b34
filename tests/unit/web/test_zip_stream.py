"""A ZIP is made in flat memory, can be read by everybody, and is the same for the same files."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from random import Random
from zipfile import ZipFile

from web.books.audit.zip_stream import File, zipped
from web.books.csv_export import lines

FILES: list[File] = [("a.txt", ["one", "two"]), ("b/c.bin", [b"\x00\xff"]), ("empty", [])]


def test_the_files_the_manifest_and_the_sums_agree() -> None:
    archive = ZipFile(io.BytesIO(b"".join(zipped(FILES, {"what": "a test"}))))
    assert archive.testzip() is None
    assert archive.namelist() == ["a.txt", "b/c.bin", "empty", "manifest.json", "SHA256SUMS"]
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["what"] == "a test"
    assert manifest["files"][0] == {"name": "a.txt", "bytes": 6, "sha256": sha256(b"onetwo").hexdigest()}
    for line in archive.read("SHA256SUMS").decode().splitlines():
        digest, _, name = line.partition("  ")
        assert sha256(archive.read(name)).hexdigest() == digest
    assert len(archive.read("SHA256SUMS").decode().splitlines()) == 4


def test_the_same_files_give_the_same_bytes() -> None:
    assert b"".join(zipped(FILES, {})) == b"".join(zipped(FILES, {}))


def test_an_archive_that_is_not_read_to_its_end_can_be_closed() -> None:
    chunks = zipped([("long", (Random(n).randbytes(70_000) for n in range(9)))], {})
    assert next(iter(chunks))
    chunks.close()  # type: ignore[attr-defined] # it is a generator


def test_long_files_are_made_in_flat_memory() -> None:
    noise = Random(1).randbytes(1 << 16)
    assert peak_of(zipped([("long", (noise for _ in range(320)))], {})) < 2 << 20


def test_a_long_csv_is_made_in_flat_memory() -> None:
    assert peak_of(lines(["a", "b"], ((number, f"row {number}") for number in range(100_000)))) < 1 << 20


def peak_of(chunks: Iterator[object]) -> int:
    """Return how many bytes were held at most while all chunks were made."""
    tracemalloc.start()
    try:
        for _ in chunks:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
