"""The registry of event types: the class, the categories of streams and the schema version of each stored name.

Events carry the stored name, never a class path, so that classes may be moved and renamed.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from eventstore.errors import InvalidCategory, InvalidPayload, UnknownEventType, UnreadableEvent
from eventstore.patterns import CATEGORY_PATTERN
from eventstore.payloads.codec import Codec
from eventstore.payloads.upcasting import Upcaster, UpcasterChain

_CATEGORY: Final = re.compile(CATEGORY_PATTERN)


def check_category(category: str) -> None:
    """Raise InvalidCategory if a text is not a category."""
    if not _CATEGORY.fullmatch(category):
        raise InvalidCategory(category)


class Stored(Protocol):
    """The fields of a recorded event that the registry reads."""

    @property
    def position(self) -> int: ...  # noqa: D102 - named as the event's fields
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def schema_version(self) -> int: ...  # noqa: D102
    @property
    def payload_json(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type: its stored name, its class, the categories of its streams, and its schema version."""

    name: str
    cls: type
    categories: tuple[str, ...]
    schema_version: int
    codec: Codec
    upcasters: UpcasterChain

    def encode(self, data: object) -> str:
        """Return the JSON of an instance; raises InvalidPayload."""
        if type(data) is Encoded:
            return data.payload
        try:
            return self.codec.encode(data)
        except ValueError as error:
            raise InvalidPayload(self.name, str(error)) from error


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event in the JSON of its class's newest schema version; `Registry.encoded` makes and checks it."""

    type: EventType
    payload: str


class Registry:
    """The event types that the code knows."""

    def __init__(self) -> None:
        self._by_name: dict[str, EventType] = {}
        self._by_class: dict[type, EventType] = {}
        self._chains: dict[str, UpcasterChain] = {}

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._by_name.values())

    def names(self) -> list[str]:
        """Return the stored names, sorted."""
        return sorted(self._by_name)

    def register(
        self, cls: type, *, categories: tuple[str, ...], schema_version: int = 1, name: str | None = None
    ) -> EventType:
        """Register a frozen dataclass as an event type, under its own name unless another is given.

        To register the same type again changes nothing; raises ValueError if the name or the class is registered
        differently, and InvalidCategory.
        """
        for category in categories:
            check_category(category)
        name = name or cls.__name__
        known = self._by_name.get(name)
        if known is not None and (known.cls, known.categories, known.schema_version) == (
            cls,
            categories,
            schema_version,
        ):
            return known
        if known is not None or cls in self._by_class:
            message = f"event type {name!r} of {cls!r} is registered already"
            raise ValueError(message)
        event_type = EventType(name, cls, categories, schema_version, Codec(cls), self._chain(name))
        self._by_name[name] = self._by_class[cls] = event_type
        return event_type

    def upcaster(self, name: str, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Register the decorated function as the step of `name` from one schema version to the next."""

        def add(upcaster: Upcaster) -> Upcaster:
            self._chain(name).add(from_version, upcaster)
            return upcaster

        return add

    def _chain(self, name: str) -> UpcasterChain:
        return self._chains.setdefault(name, UpcasterChain(name))

    def of(self, data: object) -> EventType:
        """Return the type of an instance; UnknownEventType if its class is not registered."""
        return data.type if type(data) is Encoded else self._of_class(type(data))

    def _of_class(self, cls: type) -> EventType:
        event_type = self._by_class.get(cls)
        if event_type is None:
            raise UnknownEventType(cls.__name__, self._by_name)
        return event_type

    def encoded(self, cls: type, payload: str) -> Encoded:
        """Return an event that code which records very many has written as JSON.

        It is read as a recorded event is read; raises UnknownEventType, and InvalidPayload if it cannot be read.
        """
        event_type = self._of_class(cls)
        try:
            event_type.codec.decode(payload)
        except ValueError as error:
            raise InvalidPayload(event_type.name, str(error)) from error
        return Encoded(event_type, payload)

    def named(self, name: str) -> EventType:
        """Return the type of that stored name; UnknownEventType if it is not registered."""
        event_type = self._by_name.get(name)
        if event_type is None:
            raise UnknownEventType(name, self._by_name)
        return event_type

    def newest_schema_version(self, name: str) -> int | None:
        """Return the newest schema version of a stored name that the code can read; None if the name is unknown."""
        event_type = self._by_name.get(name)
        return None if event_type is None else event_type.schema_version

    def encode(self, data: object) -> tuple[str, int, str]:
        """Return stored name, schema version and JSON; raises UnknownEventType or InvalidPayload."""
        event_type = self.of(data)
        return event_type.name, event_type.schema_version, event_type.encode(data)

    def decode(self, event: Stored) -> Any:
        """Return a recorded event as an instance of its class; raises UnknownEventType or UnreadableEvent."""
        event_type = self._by_name.get(event.type)
        if event_type is None:
            raise UnknownEventType(event.type, self._by_name, event.position)
        try:
            if event.schema_version == event_type.schema_version:
                return event_type.codec.decode(event.payload_json)
            if not 1 <= event.schema_version < event_type.schema_version:
                message = f"schema version {event.schema_version} is not one of 1 to {event_type.schema_version}"
                raise ValueError(message)  # noqa: TRY301 - the handler below adds the position
            payload = json.loads(event.payload_json)
            payload = event_type.upcasters.upcast(payload, event.schema_version, event_type.schema_version)
            return event_type.codec.decode(json.dumps(payload))
        except Exception as error:  # an upcaster may raise anything
            fault = str(error) or type(error).__name__
            raise UnreadableEvent(event.position, event.type, fault) from error

    def check(self) -> None:
        """Raise BrokenUpcasterChain if an upcaster to today's schema version is missing."""
        for name, chain in self._chains.items():
            event_type = self._by_name.get(name)
            if event_type is None:
                raise UnknownEventType(name, self._by_name)
            chain.check(event_type.schema_version)


registry = Registry()
