"""The manifest of a folder of exported events: which files there are, what each holds, and its SHA-256."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from eventstore.errors import CannotExport

NAME: Final = "manifest.json"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file: the events from its first to its last position, without a gap."""

    name: str
    first_position: int
    last_position: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder holds; `last_recorded_at` is when its last event was recorded."""

    format: str
    first_position: int
    last_position: int
    last_recorded_at: str | None = None
    files: tuple[ExportedFile, ...] = field(default=())
    manifest_version: int = VERSION

    def with_file(self, file: ExportedFile, last_recorded_at: str) -> "Manifest":
        """Return the manifest after one more file."""
        files = (*self.files, file)
        return replace(self, files=files, last_position=file.last_position, last_recorded_at=last_recorded_at)


def load(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, or None; raises CannotExport."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text())
        files = tuple(ExportedFile(**file) for file in content.pop("files"))
        found = Manifest(**content, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotExport(f"{path} is not a manifest: {error}") from error
    if found.manifest_version != VERSION:
        raise CannotExport(f"{path} is of version {found.manifest_version}; this code writes version {VERSION}")
    return found


def save(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of a folder as a whole, for good."""
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    keep(part, folder / NAME)


def keep(part: Path, path: Path) -> None:
    """Give a complete file its name, so that it survives a loss of power."""
    _flush(part)
    part.replace(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def described(path: Path, first: int, last: int) -> ExportedFile:
    """Return the entry of a complete file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportedFile(path.name, first, last, path.stat().st_size, digest)
