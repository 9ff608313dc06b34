"""The one form of every text from outside, over HTTP, from a file or from a script, and when two texts are the same.

# Note [Identity of text]
Two texts that look the same to a reader must not be two names. So a text is put into one form (NFC) when it arrives,
and format characters, which cannot be seen, are refused. Joiners are allowed inside a word, because names in several
scripts need them. Two texts are the same if their identities are equal; an identity has no joiners and single blanks.
Upper and lower case stay different, and so do look-alikes: a Latin A and a Cyrillic A are two letters.
"""

import re
import unicodedata
from typing import Final

from ledger.rules.refusals.fields import InvalidText

MAX_TEXT_LENGTH: Final = 200
"""The greatest number of characters of a name, reference, reason, label, role or tier."""

_JOINERS: Final = frozenset("\u200c\u200d")
_WORD: Final = frozenset("LMN")
"""The first letters of the categories of letters, marks and numbers, between which a joiner may stand."""
# Visible in no font, although Unicode does not count them among the format characters.
_UNSEEN: Final = re.compile(
    "[\u200c\u200d\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BLANKS: Final = re.compile(r"\s+")


def text(field: str, value: str) -> str:
    """Return the text in its one form, or raise InvalidText. See Note [Identity of text]."""
    normal = value if _is_plain(value) else unicodedata.normalize("NFC", value)
    fault = _fault(normal)
    if fault is not None:
        raise InvalidText(field=field, reason=fault)
    return normal


def identity(value: str) -> str:
    """Return what all texts that are the same have in common. See Note [Identity of text]."""
    if _is_plain(value) and "  " not in value:
        return value.strip()
    return _BLANKS.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", value))).strip()


def _is_plain(value: str) -> bool:
    """Say whether a text has only the 95 characters of ASCII that are printed; each of them can stay as it is."""
    return value.isascii() and value.isprintable()


def _fault(value: str) -> str | None:
    if not value:
        return "it is empty"
    if len(value) > MAX_TEXT_LENGTH:
        return f"it has {len(value)} characters, more than {MAX_TEXT_LENGTH}"
    if not _is_plain(value):
        for index, character in enumerate(value):
            fault = _fault_of_character(value, index, character)
            if fault is not None:
                return fault
    if not identity(value):
        return "it is blank"
    if value != value.strip():
        return "it begins or ends with a blank"
    return None


def _fault_of_character(value: str, index: int, character: str) -> str | None:
    match unicodedata.category(character):
        case "Cs":
            return f"it contains a lone surrogate, U+{ord(character):04X}, which is no character"
        case "Cc":
            return "it contains control characters"
        case "Cf" if not _joins(value, index, character):
            name = unicodedata.name(character, "format character")
            where = " outside a word" if character in _JOINERS else ""
            return f"it contains {name} (U+{ord(character):04X}){where}, which cannot be seen"
        case _:
            return None


def _joins(value: str, index: int, character: str) -> bool:
    """Say whether a character is a joiner between two characters of a word."""
    if character not in _JOINERS or not 0 < index < len(value) - 1:
        return False
    return all(unicodedata.category(value[beside])[0] in _WORD for beside in (index - 1, index + 1))
