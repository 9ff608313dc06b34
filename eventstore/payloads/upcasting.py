"""Upcasters: functions that convert a payload of one schema version to the next."""

from collections.abc import Callable
from typing import Any

from eventstore.errors import BrokenUpcasterChain

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]


class UpcasterChain:
    """The upcasters of one event type, each from one schema version to the next."""

    def __init__(self, type_name: str) -> None:
        self._type_name = type_name
        self._steps: dict[int, Upcaster] = {}

    def add(self, from_version: int, upcaster: Upcaster) -> None:
        """Add the step from one schema version to the next; ValueError if the chain already has it."""
        if from_version in self._steps:
            message = f"{self._type_name}: there is already an upcaster from schema version {from_version}"
            raise ValueError(message)
        self._steps[from_version] = upcaster

    def check(self, schema_version: int) -> None:
        """Raise BrokenUpcasterChain unless every version before this one has a step, and no other has one."""
        for version in range(1, schema_version):
            if version not in self._steps:
                raise BrokenUpcasterChain(self._type_name, version)
        for version in self._steps:
            if not 1 <= version < schema_version:
                raise BrokenUpcasterChain(self._type_name, version)

    def upcast(self, payload: Payload, stored: int, wanted: int) -> Payload:
        """Return the payload in schema version `wanted`; BrokenUpcasterChain if a step is missing."""
        for version in range(stored, wanted):
            step = self._steps.get(version)
            if step is None:
                raise BrokenUpcasterChain(self._type_name, version)
            payload = step(payload)
        return payload
