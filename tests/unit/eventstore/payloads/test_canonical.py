"""Canonical JSON has the bytes of RFC 8785, whichever way it is written, and refuses what has no canonical form."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from eventstore.payloads.canonical import canonical_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
LEAVES = st.none() | st.booleans() | WHOLE | TEXT | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(JSON, st.booleans())
def test_the_bytes_are_those_of_the_rfc(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert canonical_json(text).encode() == rfc8785.dumps(json.loads(text, parse_int=_double))


def _double(text: str) -> int | float:
    return int(text) if abs(int(text)) < 2**53 else float(text)


@given(JSON)
def test_the_canonical_form_of_a_canonical_form_is_itself(value: object) -> None:
    once = canonical_json(json.dumps(value))
    assert canonical_json(once) == once


def test_postgresql_and_sqlite_write_a_number_differently_and_its_form_is_one() -> None:
    for python, jsonb in (("1e+21", "1" + "0" * 21), ("1e-07", "0.0000001"), ("0.5", "0.50"), ("100.0", "100")):
        assert canonical_json(f'{{"a": {python}}}') == canonical_json(f'{{"a":{jsonb}}}')


@pytest.mark.parametrize("text", ["9007199254740993", '{"a": NaN}', '{"a": -Infinity}', "{", '"\\ud800"'])
def test_what_has_no_canonical_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_json(text)
