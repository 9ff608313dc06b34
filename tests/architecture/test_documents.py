"""What the documents point to is there: other documents, modules, and commands."""

import re
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.architecture.sources import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def document_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=document_id)
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=document_id)
def test_every_command_that_a_document_names_exists(path: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text()))
    assert named - set(get_commands()) == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=document_id)
def test_every_module_that_a_document_names_exists(path: Path) -> None:
    packages = "settings|web|relays|processmanagers|projectors|ledger|eventstore|tests"
    named = set(re.findall(rf"`((?:{packages})/[a-z_/]*(?:\.py)?)`", path.read_text()))
    examples = {"ledger/upcasters.py"}
    assert [module for module in sorted(named - examples) if not (ROOT / module).exists()] == []


def test_the_list_of_decisions_names_each_of_them() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("0*.md")}


def test_each_decision_has_the_next_number_in_its_name_and_its_title() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(decisions) + 1))
    assert [path.read_text().partition(".")[0] for path in decisions] == [f"# {number}" for number in numbers]


WALKS = re.findall(
    r"^### (.+?)\n(.*?)(?=^##)", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("text", [text for _, text in WALKS], ids=[title for title, _ in WALKS])
def test_a_walk_names_files_that_exist_and_enters_no_folder_twice(text: str) -> None:
    cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    files = [file for cell in cells for file in re.findall(r"`([a-z_/.]+\.(?:py|sql))`", cell)]
    assert len(files) >= 9
    assert [file for file in files if not (ROOT / file).exists()] == []
    folders = [folder for folder, _ in groupby(file.rpartition("/")[0] for file in files)]
    assert {folder for folder, times in Counter(folders).items() if times > 1} == set()


def test_there_are_three_walks() -> None:
    assert len(WALKS) == 3
