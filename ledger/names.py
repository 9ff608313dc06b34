"""The outside names of commands: `grant-balances` in an address, `ledger.grant_balances` as a permission."""

import re
from types import MappingProxyType
from typing import Final, get_args

from ledger.rules.commands import Command


def _name(command: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", command.__name__).lower()


COMMANDS: Final = MappingProxyType({_name(command): command for command in get_args(Command)})
"""The command classes by name."""

ACTOR_ID: Final = "actor_id"
"""The member of an event's metadata with the id of the user who is its actor; the name may change, the id does not."""

VIEW: Final = "ledger.view_ledger"
"""The permission to read."""

OPERATE: Final = "ledger.operate_consumers"
"""The permission to pause and resume consumers, and to let them skip an event."""


def codename(name: str) -> str:
    """Return the codename of a command's permission, without the app label."""
    return name.replace("-", "_")


def permission(name: str) -> str:
    """Return the permission that a command requires."""
    return f"ledger.{codename(name)}"
