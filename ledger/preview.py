"""Previews a command: decides it as it would be recorded, and records nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from ledger.handlers import LoadedFacts
from ledger.rules.commands import Command
from ledger.rules.decide import Decision, decide
from ledger.rules.refusals.base import Refusal


@dataclass(frozen=True, slots=True)
class Preview:
    """What a command would record.

    `expected` has the version of each stream that the decision rests on: if the command is executed with these
    versions, it records this decision or raises WrongExpectedVersion. `before` and `after` have the state of each of
    these streams without and with the decision.
    """

    decision: Decision
    expected: Mapping[str, int]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def preview(command: Command, using: str = "default") -> Preview:
    """Return what a command would record now; raises the Refusal that it would raise."""
    for _ in range(settings.COMMAND_MAX_ATTEMPTS - 1):
        facts = LoadedFacts(using)
        try:
            return _preview(command, facts)
        except Refusal:
            # See Note [Every stream looked at is checked]
            if not facts.have_moved():
                raise
    return _preview(command, LoadedFacts(using))


def _preview(command: Command, facts: LoadedFacts) -> Preview:
    facts.preload([command])
    decision = decide(command, facts)
    expected, before = dict(facts.expected), facts.states()
    facts.apply(decision)
    return Preview(decision, expected, before, facts.states())
