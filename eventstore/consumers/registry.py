"""The consumers of the code by name, and the groups that its projectors form."""

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final

from django.conf import settings

from eventstore.consumers.definitions import ProcessManager, Projector, Relay
from eventstore.errors import CircularDependency, UnknownConsumer

PROCESS_MANAGER: Final = "process_manager"
PROJECTOR: Final = "projector"
RELAY: Final = "relay"


@dataclass(frozen=True, slots=True)
class Group:
    """Projectors tied by `depends_on`, each after the ones it depends on; most groups have one member."""

    members: tuple[Projector, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the members' names in the order in which they handle an event."""
        return tuple(member.name for member in self.members)


class Consumers:
    """The process managers, projectors and relays of the code."""

    def __init__(self) -> None:
        self.managers: dict[str, ProcessManager] = {}
        self.projectors: dict[str, Projector] = {}
        self.relays: dict[str, Relay] = {}
        self._left_out: dict[str, str] = {}

    def register(self, consumer: ProcessManager | Projector | Relay) -> None:
        """Add a consumer under its name; ValueError if the name is taken."""
        if consumer.name in self.names:
            message = f"two consumers are named {consumer.name!r}"
            raise ValueError(message)
        if isinstance(consumer, Projector):
            self.projectors[consumer.name] = consumer
        elif isinstance(consumer, Relay):
            self.relays[consumer.name] = consumer
        else:
            self.managers[consumer.name] = consumer

    def leave_out(self, name: str, reason: str) -> None:
        """Let the error for an unknown name say why this consumer is not registered."""
        self._left_out[name] = reason

    @property
    def names(self) -> list[str]:
        """Return all names: process managers, projectors, relays."""
        return [*sorted(self.managers), *sorted(self.projectors), *sorted(self.relays)]

    def kind(self, name: str) -> str:
        """Return `process_manager`, `projector` or `relay`; raises UnknownConsumer."""
        if name in self.managers:
            return PROCESS_MANAGER
        if name in self.projectors:
            return PROJECTOR
        if name in self.relays:
            return RELAY
        raise UnknownConsumer(name, self.names, reason=self._left_out.get(name, ""))

    def manager(self, name: str) -> ProcessManager:
        """Return the process manager of that name; raises UnknownConsumer."""
        if name not in self.managers:
            raise UnknownConsumer(name, self.managers, "process manager", self._left_out.get(name, ""))
        return self.managers[name]

    def relay(self, name: str) -> Relay:
        """Return the relay of that name; raises UnknownConsumer."""
        if name not in self.relays:
            raise UnknownConsumer(name, self.relays, "relay", self._left_out.get(name, ""))
        return self.relays[name]

    def groups(self, names: Iterable[str] = ()) -> list[Group]:
        """Return the groups of the named projectors, or all groups; raises UnknownConsumer, CircularDependency."""
        named = list(dict.fromkeys(names))
        for name in named:
            if name not in self.projectors:
                raise UnknownConsumer(name, self.projectors, "projector")
        found = [Group(tuple(self.projectors[name] for name in names)) for names in self._components()]
        return [group for group in found if not named or set(named) & set(group.names)]

    def group_of(self, name: str) -> Group:
        """Return the group of a projector."""
        return self.groups([name])[0]

    def tied_to(self, name: str) -> tuple[str, ...]:
        """Return the names that pause and move together with this one, including its own."""
        return self.group_of(name).names if self.kind(name) == PROJECTOR else (name,)

    def database_of(self, name: str) -> str:
        """Return the alias of the database that holds a consumer's checkpoint and what it writes."""
        return str(settings.READ_DATABASE) if self.kind(name) == PROJECTOR else "default"

    def _components(self) -> list[list[str]]:
        tied: dict[str, set[str]] = {name: {name} for name in self.projectors}
        for name in self._in_order():
            for dependency in self.projectors[name].depends_on:
                merged = tied[name] | tied[dependency]
                for member in merged:
                    tied[member] = merged
        order = {name: index for index, name in enumerate(self._in_order())}
        distinct = {frozenset(members) for members in tied.values()}
        return sorted(sorted(members, key=order.__getitem__) for members in distinct)

    def _in_order(self) -> list[str]:
        for projector in self.projectors.values():
            for dependency in projector.depends_on:
                if dependency not in self.projectors:
                    raise UnknownConsumer(dependency, self.projectors, "projector")
        graph = {name: sorted(self.projectors[name].depends_on) for name in sorted(self.projectors)}
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise CircularDependency(error.args[1]) from error


def databases() -> list[str]:
    """Return the aliases of the databases that hold checkpoints: the events' and the read models'."""
    return list(dict.fromkeys(("default", str(settings.READ_DATABASE))))


consumers: Final = Consumers()
"""The consumers of this process; apps add theirs in `AppConfig.ready`."""

register: Final = consumers.register
leave_out: Final = consumers.leave_out
