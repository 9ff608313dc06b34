"""What commands are called from outside: `grant-balances` in an address, `grant_balances` as a permission."""

import re
from types import MappingProxyType
from typing import Final, get_args

from ledger.rules.commands import Command


def _name(command: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", command.__name__).lower()


COMMANDS: Final = MappingProxyType({_name(command): command for command in get_args(Command)})
"""Every command by its name."""

VIEW: Final = "ledger.view_ledger"
"""The permission to read."""


def codename(name: str) -> str:
    """Return the name of a command's permission, without the app's."""
    return name.replace("-", "_")


def permission(name: str) -> str:
    """Return the permission that a command asks for."""
    return f"ledger.{codename(name)}"
