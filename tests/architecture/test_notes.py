"""A rationale that several places need is written once, as a note, and each of them cites it."""

import re
from collections import Counter

from tests.architecture.sources import application, everything, name

NOTE = re.compile(r"# Note \[([^\]]+)\]")
CITATION = re.compile(r"(?<!# )Note \[([^\]]+)\]")


def notes() -> Counter[str]:
    return Counter(note for path in application() for note in NOTE.findall(path.read_text()))


def citations() -> dict[str, str]:
    """Return what is cited, and one file that cites it."""
    files = [path for path in everything() if path.name != "test_notes.py"]
    return {note: name(path) for path in files for note in CITATION.findall(path.read_text())}


def test_a_note_is_written_once() -> None:
    assert [note for note, times in notes().items() if times > 1] == []


def test_a_note_is_cited() -> None:
    assert sorted(set(notes()) - set(citations())) == []


def test_every_cited_note_exists() -> None:
    assert {note: file for note, file in citations().items() if note not in notes()} == {}
