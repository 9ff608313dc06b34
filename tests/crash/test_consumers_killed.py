"""Consumers that are killed with SIGKILL between any two statements neither lose nor duplicate an effect."""

import os
import sys

import pytest

from eventstore import store
from eventstore.models import Checkpoint
from tests.support import processes
from tests.support.consumers.probes import make_tables, registered, written
from tests.support.consumers.receiver import PORT, receiving
from tests.support.databases import Database
from tests.support.rounds import PROVES

STEP = 1 if PROVES else 3
"""At which statements a consumer is killed: at each third, in `make prove` at each."""


def _kill_everywhere(database: Database, name: str, step: int = STEP) -> int:
    make_tables()
    env = {**database.env, PORT: os.environ.get(PORT, "")}
    done = processes.run([sys.executable, "-m", "tests.support.consumers.killing", name, str(step)], env, check=True)
    return int(done.stdout)


@pytest.mark.parametrize("name", ["copy", "base"])
def test_a_projector_killed_at_any_point_handles_each_event_once(database: Database, name: str) -> None:
    assert _kill_everywhere(database, name) > 10
    assert written(name) == list(range(1, store.head().position + 1))


def test_a_process_manager_killed_at_any_point_answers_each_event_once(database: Database) -> None:
    # The first trigger is appended before the process manager is registered, so it is never handled.
    assert _kill_everywhere(database, "answers") > 15
    begun = Checkpoint.objects.get(name="answers").registered_position
    triggers = [event.position for event in store.read_all(types=["ParcelRegistered"]) if event.position > begun]
    answers = [(event.causation, event.payload["name"]) for event in store.read_all(types=["ParcelRelabelled"])]
    assert answers == [(position, f"{position}/{number}") for position in triggers for number in range(2)]


def test_a_process_manager_killed_while_it_advances_a_projector_does_both_once(database: Database) -> None:
    assert _kill_everywhere(database, "attentive") > 20
    begun = Checkpoint.objects.get(name="attentive").registered_position
    triggers = [event.position for event in store.read_all(types=["ParcelRegistered"]) if event.position > begun]
    answers = [(event.causation, event.payload["name"]) for event in store.read_all(types=["ParcelRelabelled"])]
    assert answers == [(position, f"saw {position}") for position in triggers]
    assert written("copy") == list(range(1, max(triggers) + 1))


def test_a_rebuild_killed_at_any_point_switches_once_and_completely(database: Database) -> None:
    assert _kill_everywhere(database, "base@rebuild") > 20
    with registered():
        generations = set(
            Checkpoint.objects.filter(name__in=["base", "dependent"]).values_list("generation", flat=True)
        )
    assert len(generations) == 1
    assert written("base", generations.pop()) == list(range(1, store.head().position + 1))
    assert not Checkpoint.objects.filter(kind="rebuild").exists()


def test_a_relay_killed_at_any_point_hands_on_each_event_at_least_once_and_in_order(database: Database) -> None:
    with receiving() as receiver:
        assert _kill_everywhere(database, "courier", step=1) > 10
    assert receiver.taken_once() == list(range(1, store.head().position + 1))
    assert len(receiver.received) > len(receiver.taken_once())
