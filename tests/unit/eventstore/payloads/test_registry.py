"""Stored names, schema versions and the chain of upcasters between them."""

from dataclasses import dataclass

import pytest

from eventstore.checks import check_upcaster_chains
from eventstore.errors import BrokenUpcasterChain, UnknownEventType, UnreadableEvent
from eventstore.payloads.registry import Registry


@dataclass(frozen=True, slots=True)
class Moved:
    street: str
    city: str


@dataclass(frozen=True, slots=True)
class Stored:
    type: str
    schema_version: int
    payload_json: str
    position: int = 7


def registry_of_three_versions() -> Registry:
    registry = Registry()
    registry.register(Moved, categories=("person",), schema_version=3)

    @registry.upcaster("Moved", 1)
    def split(payload: dict[str, str]) -> dict[str, str]:
        street, _, city = payload["address"].partition(", ")
        return {"road": street, "city": city}

    @registry.upcaster("Moved", 2)
    def rename(payload: dict[str, str]) -> dict[str, str]:
        return {"street": payload["road"], "city": payload["city"]}

    return registry


@pytest.mark.parametrize(
    "stored",
    [
        Stored("Moved", 1, '{"address": "Main St 1, Springfield"}'),
        Stored("Moved", 2, '{"road": "Main St 1", "city": "Springfield"}'),
        Stored("Moved", 3, '{"street": "Main St 1", "city": "Springfield"}'),
    ],
    ids=["1", "2", "3"],
)
def test_every_schema_version_is_read_as_todays(stored: Stored) -> None:
    registry = registry_of_three_versions()
    registry.check()
    assert registry.decode(stored) == Moved("Main St 1", "Springfield")


def test_an_event_is_written_in_todays_schema_version() -> None:
    registry = registry_of_three_versions()
    assert registry.encode(Moved("a", "b")) == ("Moved", 3, '{"street":"a","city":"b"}')


@pytest.mark.parametrize("version", [0, 4])
def test_an_unknown_schema_version_is_not_read(version: int) -> None:
    with pytest.raises(UnreadableEvent, match=f"position 7 is not readable: schema version {version} is not one"):
        registry_of_three_versions().decode(Stored("Moved", version, "{}"))


def test_the_error_of_an_upcaster_names_the_position() -> None:
    with pytest.raises(UnreadableEvent, match="Moved at position 7 is not readable: 'address'"):
        registry_of_three_versions().decode(Stored("Moved", 1, "{}"))


def test_a_chain_with_a_missing_step_is_found_when_the_process_starts() -> None:
    registry = Registry()
    registry.register(Moved, categories=("person",), schema_version=3)
    registry.upcaster("Moved", 1)(dict)
    with pytest.raises(BrokenUpcasterChain, match="Moved: no upcaster from schema version 2 to 3"):
        registry.check()


def test_a_chain_with_an_extra_step_is_found_when_the_process_starts() -> None:
    registry = registry_of_three_versions()
    registry.upcaster("Moved", 3)(dict)
    with pytest.raises(BrokenUpcasterChain):
        registry.check()


def test_an_upcaster_of_a_type_that_is_not_registered_is_found_when_the_process_starts() -> None:
    registry = Registry()
    registry.upcaster("Gone", 1)(dict)
    with pytest.raises(UnknownEventType, match="Gone"):
        registry.check()


def test_the_system_check_names_the_missing_upcaster(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Registry()
    broken.register(Moved, categories=("person",), schema_version=2)
    broken.upcaster("Moved", 2)(dict)
    monkeypatch.setattr("eventstore.checks.registry", broken)
    [message] = check_upcaster_chains(None)
    assert message.id == "eventstore.E001"
    assert "Moved: no upcaster from schema version 1 to 2" in message.msg


def test_a_second_upcaster_of_the_same_step_is_refused() -> None:
    registry = registry_of_three_versions()
    with pytest.raises(ValueError, match="already an upcaster from schema version 1"):
        registry.upcaster("Moved", 1)(dict)


def test_a_name_and_a_class_are_registered_once() -> None:
    registry = registry_of_three_versions()
    registry.register(Moved, categories=("person",), schema_version=3)
    with pytest.raises(ValueError, match="registered already"):
        registry.register(Moved, categories=("person",), schema_version=4)
    with pytest.raises(ValueError, match="registered already"):
        registry.register(Moved, categories=("person",), name="Relocated")


def test_a_class_may_be_renamed_without_its_stored_name() -> None:
    registry = Registry()
    registry.register(Moved, categories=("person",), name="Relocated")
    assert registry.encode(Moved("a", "b"))[0] == "Relocated"
    assert registry.decode(Stored("Relocated", 1, '{"street":"a","city":"b"}')) == Moved("a", "b")


def test_the_error_of_an_unknown_name_lists_the_known_names() -> None:
    with pytest.raises(UnknownEventType, match="'Left' is not registered; registered are Moved"):
        registry_of_three_versions().named("Left")


@pytest.mark.parametrize("error", [AttributeError, IndexError, ZeroDivisionError, RecursionError, KeyError, OSError])
def test_any_exception_of_an_upcaster_is_reported_with_the_position(error: type[Exception]) -> None:
    registry = Registry()
    registry.register(Moved, categories=("house",), schema_version=2)

    @registry.upcaster("Moved", 1)
    def fail(_payload: dict[str, object]) -> dict[str, object]:
        raise error

    with pytest.raises(UnreadableEvent, match=f"Moved at position 7 is not readable: {error.__name__}"):
        registry.decode(Stored("Moved", 1, "{}"))
