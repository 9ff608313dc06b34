"""The refusal of input that does not even have the form of a command."""

from dataclasses import dataclass

from ledger.rules.refusals.base import NotAcceptable


@dataclass(eq=False, kw_only=True)
class InvalidInput(NotAcceptable):
    """A field is missing, unknown or of the wrong form; `pointer` is where, as in RFC 6901."""

    slug = "invalid-input"
    sentence = "{pointer}: {reason}."
    remedy = "Mend what stands there."

    pointer: str
    reason: str
