"""On a phone, the rows of a table become cards, and each of their amounts says what it is."""

import re
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from web.books.acting import fields

TEMPLATES = sorted((ROOT / "web/templates/books").rglob("*.html"))
_CARDS = re.compile(r'<table class="lines[^"]* cards.*?</table>', re.DOTALL)
_NUMBER = re.compile(r'<td class="n[ "][^>]*>')


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_each_number_of_a_card_has_a_label_or_is_left_out(template: Path) -> None:
    tables = _CARDS.findall(template.read_text())
    numbers = [cell for table in tables for cell in _NUMBER.findall(table)]
    assert [cell for cell in numbers if "data-label" not in cell and "less" not in cell] == []


def test_a_field_of_several_categories_is_found_by_any_of_their_names() -> None:
    assert fields._searched_by("from_uuid") == "name, reference or uuid"
    assert fields._searched_by("account_uuid") == "the name of its company, or its uuid"
