"""A text from outside has one form, contains nothing that cannot be seen, and has an identity."""

import unicodedata

import pytest
from hypothesis import given

from ledger.rules import texts
from ledger.rules.refusals.fields import InvalidText
from tests.support.ledger import strategies

ZWNJ, ZWJ = "\u200c", "\u200d"
UNSEEN = ["\u200b", "\u00ad", "\ufeff", "\u200e", "\u202e", "\u2060", "\u2066", "\u061c", "\U000e0041"]


def refused(value: str) -> str:
    with pytest.raises(InvalidText) as raised:
        texts.text("name", value)
    return raised.value.reason


def test_a_decomposed_text_is_recorded_composed() -> None:
    assert texts.text("name", "Cafe\u0301") == "Caf\u00e9"


@pytest.mark.parametrize(
    "value", ["x", "x" * 200, "Å ☃\u00a0𝄞\u2028x", "نمی\u200cخواهم", "क्\u200dष", "a\u200d1", "a  b"]
)
def test_a_text_that_can_be_seen_is_accepted(value: str) -> None:
    assert texts.text("name", value) == value


@pytest.mark.parametrize("character", UNSEEN)
@pytest.mark.parametrize("place", ["{}ab", "a{}b", "ab{}"])
def test_a_format_character_is_refused_by_its_unicode_name(character: str, place: str) -> None:
    name = f"{unicodedata.name(character)} (U+{ord(character):04X})"
    assert refused(place.format(character)) == f"it contains {name}, which cannot be seen"


@pytest.mark.parametrize("joiner", [ZWNJ, ZWJ])
@pytest.mark.parametrize("place", ["{}ab", "ab{}", "a {}b", "a{} b", "a{0}{0}b", "-{}-", "{}"])
def test_a_joiner_outside_a_word_is_refused(joiner: str, place: str) -> None:
    assert "outside a word, which cannot be seen" in refused(place.format(joiner))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "it is empty"),
        ("x" * 201, "it has 201 characters, more than 200"),
        ("e\u0301" * 201, "it has 201 characters, more than 200"),
        *((f"a{control}b", "it contains control characters") for control in "\0\n\t\x1b\x7f\x85"),
        ("half a pair \ud800", "it contains a lone surrogate, U+D800, which is no character"),
        *((blank, "it is blank") for blank in (" ", "\u00a0\u3000", "\u3164", "\u115f \ufe0f")),
        *((text, "it begins or ends with a blank") for text in (" a", "a ", "\u00a0a", "a\u2028")),
    ],
)
def test_any_other_text_is_refused(value: str, reason: str) -> None:
    assert refused(value) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [("Café", "Cafe\u0301"), ("نمی\u200cخواهم", "نمیخواهم"), ("a  b", "a b"), ("a\u00a0b", "a b"), ("a\u3164", "a")],
)
def test_texts_that_look_the_same_have_one_identity(one: str, other: str) -> None:
    assert texts.identity(one) == texts.identity(other)


@pytest.mark.parametrize(("one", "other"), [("Acme", "ACME"), ("A", "\u0410"), ("ab", "a b"), ("ﬁ", "fi")])
def test_case_and_look_alikes_stay_different(one: str, other: str) -> None:
    assert texts.identity(one) != texts.identity(other)


@given(strategies.any_texts)
def test_an_accepted_text_is_in_its_one_form_and_can_be_seen(value: str) -> None:
    try:
        accepted = texts.text("name", value)
    except InvalidText:
        return
    assert texts.text("name", accepted) == accepted
    assert texts.identity(accepted) == texts.identity(value) != ""
    assert texts.identity(texts.identity(accepted)) == texts.identity(accepted)
    assert all(unicodedata.category(character) != "Cf" or character in (ZWNJ, ZWJ) for character in accepted)
