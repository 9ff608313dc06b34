"""The base of all refusals, and their four families."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, ClassVar


@dataclass(eq=False, kw_only=True)
class Refusal(Exception):
    """A rule refused the command and nothing was recorded; report it to the sender, and do not repeat the command.

    `sentence` is what the rule found, with its figures; `remedy` is what the sender can do.
    """

    slug: ClassVar[str]
    sentence: ClassVar[str]
    remedy: ClassVar[str]

    @property
    def facts(self) -> dict[str, Any]:
        """The figures of the rule, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        """Return the sentence with its figures."""
        return self.sentence.format(**{name: _text(value) for name, value in self.facts.items()})


def _text(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return value


class NotAcceptable(Refusal):
    """A field is wrong by itself, in any state of the ledger."""


class NotThere(Refusal):
    """Something that the command names does not exist."""


class Conflicting(Refusal):
    """It was done before and is not done twice."""


class AgainstTheRules(Refusal):
    """The ledger's state does not allow it."""
