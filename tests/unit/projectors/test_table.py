"""How rows are written down for PostgreSQL, and how amounts are read."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectors.events.payloads import digits, minor
from projectors.tables.postgresql import array_text, copy_line

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))


def unescaped(field: str) -> str | None:
    """Read a field as COPY does."""
    if field == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r"}.get(found[1], found[1]), field)


@given(st.lists(st.one_of(st.none(), TEXT), min_size=1))
def test_a_copied_line_reads_back_as_what_was_written(values: list[str | None]) -> None:
    line = copy_line(values)
    assert "\n" not in line
    assert "\r" not in line
    assert [unescaped(field) for field in line.split("\t")] == values


@given(st.lists(TEXT.filter(lambda text: "\n" not in text and "\r" not in text), min_size=1))
def test_texts_in_an_array_are_quoted(values: list[str]) -> None:
    quoted = array_text(values, quoted=True)
    reader = csv.reader(io.StringIO(quoted[1:-1]), escapechar="\\", doublequote=False)
    assert (quoted[0], quoted[-1]) == ("{", "}")
    assert next(reader) == values


def test_nothing_in_an_array_is_null_and_numbers_are_bare() -> None:
    assert array_text([1, None, -2], quoted=False) == "{1,NULL,-2}"
    assert array_text(["NULL", None], quoted=True) == '{"NULL",NULL}'


@pytest.mark.parametrize(
    ("amount", "units", "places"),
    [("97.60", 9760, 2), ("7", 7, 0), ("0.001", 1, 3), ("-0.10", -10, 2), ("999999999999999.999", 10**18 - 1, 3)],
)
def test_an_amounts_own_digits_say_what_its_smallest_unit_is(amount: str, units: int, places: int) -> None:
    assert (minor(amount), digits(amount)) == (units, places)
