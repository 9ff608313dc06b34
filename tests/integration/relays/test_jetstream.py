"""The stream has every event once and in order, whatever happens to its servers, to the relay and to its checkpoint."""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers
from eventstore.errors import NotCaughtUp
from eventstore.models import Checkpoint
from eventstore.payloads.canonical import canonical_event
from eventstore.records import Context, NewEvent
from ledger.rules.events import FundsCredited
from relays.jetstream.relay import JetStream
from relays.jetstream.stream import Message, Stream
from tests.support.consumers.tampering import forget_events_after
from tests.support.databases import Database
from tests.support.ledger.sealing import days, seal, sealing
from tests.support.patience import wait_until
from tests.support.processes import StartManage
from tests.support.receivers.jetstream import Nodes, answered

pytestmark = pytest.mark.one_database  # the rules of relays are tested on both


def fund(events: int) -> int:
    data = FundsCredited(Decimal("1.00"), "USD", UUID(int=2))
    event = NewEvent(f"account-{UUID(int=1)}", data)
    return store.append([event] * events, Context("tests", "a conversation")).position


def hand_on() -> None:
    """Let the relay hand on all that is recorded; it is run again if it waits while the nodes elect a leader."""

    def has_handed_on() -> bool:
        try:
            catch_up("jetstream")
        except NotCaughtUp as fault:
            if "waiting for its receiver" in str(fault):
                return False
            raise
        return True

    wait_until(has_handed_on, every=0.2)


def contents(stream: Stream) -> list[Message]:
    found, last = [], answered(stream.last)
    for sequence in range(1, (last.sequence if last else 0) + 1):
        message = answered(partial(stream.at, sequence))
        assert message is not None
        found.append(message)
    return found


def test_every_event_arrives_once_and_in_order_while_nodes_and_the_relay_are_killed(
    database: Database, nodes: Nodes, start_manage: StartManage
) -> None:
    env = {"JETSTREAM_URL": ",".join(nodes.urls), "JETSTREAM_REPLICAS": "3", "JETSTREAM_STREAM": "killed"}
    env |= {"HYDRATION_DELAY": "0", "HYDRATION_DELAY_ENTROPY": "0"}
    nodes.wait("killed")
    relay = start_manage("run_relay", "jetstream", env=env)
    for node in nodes.nodes:
        for _ in range(5):
            fund(60)
        node.kill()
        for _ in range(5):
            fund(60)
        relay.kill()
        relay = start_manage("run_relay", "jetstream", env=env)
        reached = fund(60)
        wait_until(lambda reached=reached: _position() >= reached)  # type: ignore[misc] # mypy infers no default of a lambda
        node.start()
        nodes.wait("killed")
    stream = nodes.stream("killed")
    wait_until(lambda: _position() == store.head().position)
    relay.terminate()
    assert relay.wait() == 0
    messages = contents(stream)
    stream.close()
    assert [int(message.headers["Daybook-Position"]) for message in messages] == list(
        range(1, store.head().position + 1)
    )
    assert len({message.headers["Nats-Msg-Id"] for message in messages}) == len(messages)


def _position() -> int:
    return Checkpoint.objects.filter(name="jetstream").values_list("position", flat=True).first() or 0


@pytest.fixture
def stream(database: Database, nodes: Nodes, request: pytest.FixtureRequest) -> Iterator[Stream]:
    """Return the stream to which `jetstream` hands on in this process; each test has its own."""
    nodes.wait(request.node.name[:40])
    own = nodes.stream(request.node.name[:40])
    consumers.register(JetStream(own))
    yield own
    own.close()
    del consumers.relays["jetstream"]


def test_a_message_is_the_event_under_a_subject_of_its_category_and_type(stream: Stream) -> None:
    fund(3)
    hand_on()
    second = contents(stream)[1]
    event = store.read_event(2)
    assert event is not None
    assert second.subject == f"{stream.name}.account.FundsCredited"
    assert second.body.decode() == canonical_event(event)
    assert json.loads(second.body)["payload"] == event.payload


def test_a_relay_whose_checkpoint_is_lost_or_that_skipped_an_event_appends_nothing_twice(stream: Stream) -> None:
    fund(5)
    hand_on()
    fund(1)
    # As if the message were poison: the operator skips it.
    Checkpoint.objects.filter(name="jetstream").update(error_position=6, error_message="too large", error_count=1)
    operator_actions.skip("jetstream", 6, actor="an operator", reason="too large")
    fund(4)
    hand_on()
    wanted = [1, 2, 3, 4, 5, 7, 8, 9, 10]
    Checkpoint.objects.filter(name="jetstream").delete()
    fund(1)
    hand_on()
    assert [int(message.headers["Daybook-Position"]) for message in contents(stream)] == [*wanted, 11]


def test_a_log_that_was_restored_and_another_ledger_stop_the_relay(stream: Stream) -> None:
    fund(5)
    hand_on()
    forget_events_after(3)
    fund(2)
    Checkpoint.objects.filter(name="jetstream").delete()
    with pytest.raises(
        NotCaughtUp, match="position 4: AnotherHistory: .* is at position 5 and does not hold the event"
    ):
        hand_on()
    lost = f"has events at positions 4 to 5 in the stream {stream.name} that are not in the log: "
    assert [difference.startswith(lost) for difference in JetStream(stream).differences()] == [True]
    forget_events_after(0)
    fund(1)
    Checkpoint.objects.filter(name="jetstream").delete()
    stopped = JetStream(stream)
    assert stopped.differences() == [
        f"holds nothing of this log in the stream {stream.name}: name another JETSTREAM_STREAM"
    ]
    consumers.relays["jetstream"] = stopped
    with pytest.raises(NotCaughtUp, match="holds another ledger: name another JETSTREAM_STREAM"):
        hand_on()


def test_seals_are_anchored_in_a_stream_of_their_own(
    database: Database, nodes: Nodes, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.JETSTREAM_URL, settings.JETSTREAM_STREAM = nodes.urls, "anchor"
    nodes.wait("anchor_seals")
    with sealing(settings):
        days(3)
        seal()
        call_command("anchor", jetstream=True)
        call_command("anchor", jetstream=True)
        assert capsys.readouterr().out == "seals: 2, new: 2\nseals: 2, new: 0\n"
        nodes.stream("anchor_seals").append([Message("anchor_seals.DaySealed", b"forged")], 2)
        with pytest.raises(CommandError, match="has 3 seals and the log only 2: seals were removed"):
            call_command("anchor", jetstream=True)


def test_without_a_server_the_relay_waits_and_says_for_which(database: Database) -> None:
    consumers.register(JetStream(Stream(["nats://user:secret@127.0.0.1:9"], "away", 1)))
    try:
        fund(1)
        with pytest.raises(NotCaughtUp, match="waiting for its receiver, JetStream at 127.0.0.1:9: ") as refused:
            catch_up("jetstream")
        assert "secret" not in str(refused.value)
    finally:
        consumers.relays.pop("jetstream").close()
