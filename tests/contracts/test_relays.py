"""The rules of relays: at least once, in order, a receiver that is away is waited for, a poison message stops it."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.relay_runner import RelayRunner, relay_runner
from eventstore.consumers.runner import Step
from eventstore.consumers.status import statuses
from eventstore.errors import NotCaughtUp, OperationRefused, UnknownConsumer
from eventstore.home import leave
from eventstore.records import NewEvent
from tests.contracts.events import ParcelRelabelled
from tests.support.consumers.observing import append
from tests.support.consumers.probes import PROBES, live, make_tables, registered, trigger, triggers
from tests.support.consumers.receiver import Courier, LateCourier, Receiver, receiving
from tests.support.databases import Database


@pytest.fixture(autouse=True)
def receiver(database: Database) -> Iterator[Receiver]:
    make_tables()
    with registered(*PROBES, Courier(), LateCourier()), receiving() as running:
        yield running


def courier() -> RelayRunner:
    """Return a runner that tries again at once."""
    runner = relay_runner("courier")
    runner._delays._next = runner._delays._least = runner._delays._most = 0.0
    return runner


def test_a_relay_hands_on_its_types_from_the_first_event_in_order(receiver: Receiver) -> None:
    triggers(3)
    append(NewEvent("parcel-00000000-0000-4000-8000-000000000000", ParcelRelabelled("not of its types")))
    triggers(2)
    catch_up("courier")
    assert receiver.received == [1, 2, 3, 5, 6]
    assert (live("courier").kind, live("courier").position, live("courier").registered_position) == ("relay", 6, 0)
    catch_up("courier")
    assert receiver.received == [1, 2, 3, 5, 6]


def test_a_relay_may_begin_at_the_head(receiver: Receiver) -> None:
    triggers(3)
    catch_up("late_courier")
    triggers(1)
    catch_up("late_courier")
    assert (receiver.received, live("late_courier").registered_position) == ([4], 3)


def test_relays_are_not_part_of_catching_up_unless_they_are_named(receiver: Receiver) -> None:
    triggers(1)
    catch_up()
    assert receiver.received == []


def test_a_receiver_that_is_away_is_waited_for_and_said_in_words(receiver: Receiver) -> None:
    triggers(2)
    receiver.close()
    runner = courier()
    assert runner.step() is Step.WAITING
    status = next(one for one in statuses() if one.name == "courier")
    assert (status.state, status.error) == ("waiting", None)
    assert status.waiting_for.startswith("its receiver, the receiver: ")
    with pytest.raises(NotCaughtUp, match="courier is waiting for its receiver, the receiver: "):
        catch_up("courier")
    back = Receiver(receiver.port)
    try:
        assert runner.step() is Step.PROGRESSED
        assert (back.received, live("courier").waiting_for) == ([1, 2], "")
    finally:
        back.close()


def test_a_receiver_that_is_away_is_not_asked_before_the_delay_is_over(receiver: Receiver) -> None:
    triggers(1)
    receiver.close()
    runner = relay_runner("courier")
    assert runner.step() is Step.WAITING
    back = Receiver(receiver.port)
    try:
        runner._retry_at = float("inf")
        assert (runner.step(), back.received) == (Step.WAITING, [])
    finally:
        back.close()


def test_a_poison_message_stops_the_relay_which_names_it_until_an_operator_skips_it(receiver: Receiver) -> None:
    append(trigger(1), trigger(7), trigger(1))
    receiver.poison = {"7"}
    with pytest.raises(NotCaughtUp, match="courier stopped at position 2: MessageRefused: bad name"):
        catch_up("courier")
    assert (live("courier").position, live("courier").error_position) == (1, 2)
    operator_actions.skip("courier", 2, actor="an operator", reason="the receiver has it by hand")
    catch_up("courier")
    assert receiver.taken_once() == [1, 2, 3]
    assert (live("courier").position, receiver.received[-1]) == (3, 3)


def test_a_paused_relay_hands_on_nothing(receiver: Receiver) -> None:
    operator_actions.pause("courier", actor="an operator")
    triggers(2)
    with pytest.raises(NotCaughtUp, match="courier is paused"):
        catch_up("courier")
    assert receiver.received == []
    operator_actions.resume("courier", actor="an operator")
    catch_up("courier")
    assert receiver.received == [1, 2]


def test_a_pause_takes_effect_also_if_the_runner_remembers_the_row(receiver: Receiver) -> None:
    triggers(1)
    runner = courier()
    assert runner.step() is Step.PROGRESSED
    triggers(1)
    runner.cursor.load()
    operator_actions.pause("courier", actor="an operator")
    assert (runner.step(), receiver.received) == (Step.PAUSED, [1])


def test_a_copy_that_is_behind_hands_on_nothing_that_another_has_confirmed(receiver: Receiver) -> None:
    triggers(2)
    late, other = courier(), courier()
    late.begin()
    late.cursor.load()
    assert other.step() is Step.PROGRESSED
    assert (late.step(), receiver.received) == (Step.PROGRESSED, [1, 2])
    assert late.step() is Step.IDLE


def test_a_copy_of_a_ledger_relays_nothing(receiver: Receiver) -> None:
    triggers(1)
    catch_up("courier")
    triggers(1)
    leave("tests", "restored elsewhere")
    with pytest.raises(NotCaughtUp, match="this ledger is a copy"):
        catch_up("courier")
    assert receiver.received == [1]
    call_command("adopt_ledger", "--reason", "it takes the original's place")
    catch_up("courier")
    assert receiver.received == [1, 2]


def test_what_a_relay_did_is_final(receiver: Receiver) -> None:
    with pytest.raises(OperationRefused, match="courier is a relay: what it did is final"):
        operator_actions.request_rebuild("courier", actor="an operator", reason="why not")
    with pytest.raises(OperationRefused, match="courier is a relay: it has no rebuild"):
        operator_actions.skip("courier@rebuild", 1, actor="an operator", reason="why not")
    with pytest.raises(UnknownConsumer, match="no relay 'copy'; there are: courier, late_courier"):
        relay_runner("copy")


def test_only_what_is_durable_leaves_the_house(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, list[int]]] = []
    monkeypatch.setattr(store, "ensure_durable", lambda position: asked.append((position, list(receiver.received))))
    triggers(2)
    catch_up("courier")
    assert asked == [(2, [])]
