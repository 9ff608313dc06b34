"""The refusal of input that does not have the form of its command."""

from dataclasses import dataclass

from ledger.rules.refusals.base import NotAcceptable


@dataclass(eq=False, kw_only=True)
class InvalidInput(NotAcceptable):
    """A field is missing, unknown or has the wrong form; `pointer` names it as in RFC 6901."""

    slug = "invalid-input"
    sentence = "{pointer}: {reason}."
    remedy = "Mend what stands there."

    pointer: str
    reason: str
