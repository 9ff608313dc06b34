"""A follower handles each event of the stream once, in order, whatever is killed, and stops where it must."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers import operator_actions as consumer_actions
from eventstore.consumers.checkpoints import skipped
from eventstore.consumers.history import standstill
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import Step
from eventstore.errors import OperationRefused, ReceiverAway
from eventstore.models import OperatorAction
from eventstore.runtime.shutdown import Stop
from relays.following import follower, operating
from relays.following.durable import Durable
from relays.following.follower import FollowerPaused, FollowerStopped, Following
from relays.following.status import follower_statuses
from relays.jetstream.relay import POSITION, STORE, JetStream
from relays.jetstream.stream import Message, Stream
from relays.models import Follower
from tests.integration.relays.test_jetstream import fund, hand_on
from tests.support.databases import Database
from tests.support.patience import wait_until
from tests.support.processes import StartManage
from tests.support.receivers.jetstream import Nodes, answered

pytestmark = pytest.mark.one_database
HANDLER = "tests.integration.relays.test_followers.note"
poison: set[int] = set()


def note(event: dict[str, Any]) -> None:
    """Write down the position of an event; it fails at those of `poison`."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO noted (position) VALUES (%s)", [event["position"]])
    if event["position"] in poison:
        raise ValueError("too heavy")


def noted() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position FROM noted ORDER BY rowid")
        return [position for (position,) in cursor.fetchall()]


@pytest.fixture
def stream(database: Database, nodes: Nodes, request: pytest.FixtureRequest) -> Iterator[Stream]:
    """Return the test's own stream, to which `jetstream` hands on in this process."""
    name = request.node.name[:40]
    nodes.wait(name)
    own = nodes.stream(name)
    consumers.register(JetStream(own))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE noted (position integer NOT NULL)")
    yield own
    own.close()
    del consumers.relays["jetstream"]
    poison.clear()


@pytest.fixture
def source(stream: Stream, nodes: Nodes) -> Iterator[Durable]:
    own = Durable(nodes.urls, stream.name, "notes")
    yield own
    own.close()


def take(source: Durable, number: int) -> None:
    """Fetch so many messages and confirm none; one fetch may return fewer than there are."""
    taken: set[int] = set()
    while len(taken) < number:
        taken |= {each.sequence for each in answered(lambda: source.fetch(0, number))}


def follow(source: Durable) -> None:
    """Follow the stream to its end."""
    Following("notes", note, source, 100).run(Stop(), once=True)


def test_every_event_is_handled_once_and_in_order_while_the_follower_and_nodes_are_killed(
    stream: Stream, nodes: Nodes, start_manage: StartManage
) -> None:
    env = {"JETSTREAM_URL": ",".join(nodes.urls), "JETSTREAM_STREAM": stream.name}
    arguments = ("run_follower", "notes", "--handler", HANDLER, "--batch-size", "20")
    process = start_manage(*arguments, env=env)
    for node in nodes.nodes[:2]:
        fund(60)
        hand_on()
        node.kill()
        process.kill()
        process = start_manage(*arguments, env=env)
        reached = store.head().position
        wait_until(lambda reached=reached: noted()[-1:] == [reached])  # type: ignore[misc] # mypy infers no default of a lambda
        node.start()
        nodes.wait(stream.name)
    fund(1)
    hand_on()
    wait_until(lambda: noted()[-1:] == [store.head().position])  # so the last process takes signals
    process.terminate()
    assert process.wait() == 0
    assert noted() == list(range(1, store.head().position + 1))


def test_what_another_process_was_given_and_did_not_handle_is_handled(stream: Stream, source: Durable) -> None:
    fund(3)
    hand_on()
    other = Durable(source._servers, stream.name, "notes")
    take(other, 3)
    other.close()
    following = Following("notes", note, source, 100)
    while answered(following.step) is Step.IDLE:
        assert noted() == []
    following.run(Stop(), once=True)
    assert noted() == [1, 2, 3]


class Leaderless(Durable):
    """A durable consumer that takes no call until it is made anew."""

    made_anew = False

    def fetch(self, after: int, limit: int) -> list[Message]:
        if not self.made_anew:
            raise ReceiverAway("JetStream", "no server takes the call now")
        return super().fetch(after, limit)

    def begin_again(self) -> None:
        super().begin_again()
        self.made_anew = True


def test_a_consumer_that_takes_no_call_is_made_anew(stream: Stream, nodes: Nodes) -> None:
    fund(2)
    hand_on()
    source = Leaderless(nodes.urls, stream.name, "notes")
    follow(source)
    source.close()
    assert noted() == [1, 2]


class Beside(Durable):
    """A durable consumer of one copy of a follower: after each fetch, something happens elsewhere."""

    made_anew = 0
    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def fetch(self, after: int, limit: int) -> list[Message]:
        fetched = super().fetch(after, limit)
        self.meanwhile()
        return fetched

    def begin_again(self) -> None:
        self.made_anew += 1
        super().begin_again()


class Given(Durable):
    """A durable consumer of a copy that was given messages and has not handled them yet."""

    given: Sequence[Message] = ()

    def fetch(self, after: int, limit: int) -> list[Message]:
        fetched, self.given = self.given, ()
        return list(fetched) or super().fetch(after, limit)


def test_what_another_copy_is_handling_is_waited_for_and_the_consumer_is_not_made_anew(
    stream: Stream, nodes: Nodes
) -> None:
    fund(6)
    hand_on()
    with (
        closing(Given(nodes.urls, stream.name, "notes")) as one,
        closing(Beside(nodes.urls, stream.name, "notes")) as two,
    ):
        given: dict[int, Message] = {}
        while len(given) < 3:
            given |= {each.sequence: each for each in answered(lambda: one.fetch(0, 1))}
        one.given = [given[1], given[2], given[3]]
        first, second = Following("notes", note, one, 100), Following("notes", note, two, 100)
        # The second is given what follows, and the first handles its messages.
        two.meanwhile = lambda: answered(first.step) if one.given else None
        while noted() != [1, 2, 3, 4, 5, 6]:
            answered(second.step)
        # The second is given nothing for long, and the first has handled in the meantime what was missing.
        fund(1)
        hand_on()
        fetched: list[Message] = []
        while not fetched:
            fetched = answered(lambda: one.fetch(6, 1))
        one.given = fetched
        second._most_empty_fetches = 1
        answered(second.step)
        assert noted() == [1, 2, 3, 4, 5, 6, 7]
        assert two.made_anew == 0


def test_a_batch_of_a_slow_handler_ends_in_time_and_the_next_one_is_smaller(
    stream: Stream, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(5)
    hand_on()
    clock = SimpleNamespace(monotonic=lambda: 2.0 * len(noted()))  # two seconds for each
    monkeypatch.setattr(follower, "time", clock)
    monkeypatch.setattr(follower, "utc_now", lambda: utc_now() - timedelta(hours=1))  # this machine's clock is wrong
    with closing(Beside(nodes.urls, stream.name, "notes")) as source:
        following = Following("notes", note, source, 100)
        handled = [0]
        while handled[-1] < 5:
            answered(following.step)
            handled.append(len(noted()))
        steps = [after - before for before, after in pairwise(handled) if after > before]
        assert max(steps) <= 3
        assert steps[-1] == 1
    assert noted() == [1, 2, 3, 4, 5]
    assert [status.state for status in follower_statuses()] == ["running"]


def test_a_message_that_the_handler_refuses_stops_the_follower_until_an_operator_acts(
    stream: Stream, source: Durable
) -> None:
    fund(9)
    hand_on()
    poison.update({5, 7})
    with pytest.raises(FollowerStopped, match="notes stopped at message 5: ValueError: too heavy"):
        follow(source)
    assert noted() == [1, 2, 3, 4]
    (status,) = follower_statuses()
    assert (status.state, status.position, status.lag_events) == ("stopped", 4, 5)
    assert status.why == "ValueError: too heavy"
    with pytest.raises(OperationRefused, match="notes stopped at message 5, and only"):
        operating.skip("notes", 6, actor="an operator", reason="it is broken")
    poison.discard(5)
    operating.resume("notes", actor="an operator")
    with pytest.raises(FollowerStopped, match="stopped at message 7"):
        follow(source)
    call_command("followers", "skip", "notes", "7", reason="it is broken")
    follow(source)
    assert noted() == [1, 2, 3, 4, 5, 6, 8, 9]
    operating.pause("notes", actor="an operator", reason="month end")
    fund(1)
    hand_on()
    paused = (
        r"notes is paused by an operator: month end, since .* UTC; to let it go on: manage.py followers resume notes"
    )
    with pytest.raises(FollowerPaused, match=f"^{paused}$"):
        follow(source)
    out = StringIO()
    call_command("followers", stdout=out)
    assert out.getvalue() == "notes\tpaused\tposition 9\t1 behind\n"
    operating.resume("notes", actor="an operator")
    follow(source)
    assert noted()[-1] == 10
    assert [action.action for action in OperatorAction.objects.order_by("id")] == ["resume", "skip", "pause", "resume"]


def test_a_row_of_a_restored_database_is_followed_from_there_and_nothing_is_handled_twice(
    stream: Stream,
    source: Durable,
    *,
    nodes: Nodes,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fund(6)
    hand_on()
    follow(source)
    Follower.objects.update(sequence=3, position=3)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM noted WHERE position > 3")
    fund(2)
    hand_on()
    follow(source)
    assert noted() == [1, 2, 3, 4, 5, 6, 7, 8]
    # Another follower, whose handler is in the folder from which the command runs.
    settings.JETSTREAM_URL, settings.JETSTREAM_STREAM = nodes.urls, stream.name
    (tmp_path / "printing.py").write_text('def handle(event):\n    print(event["type"], event["position"])\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    call_command("run_follower", "prints", handler="printing.handle", once=True)
    assert capsys.readouterr().out.splitlines()[-1] == "FundsCredited 8"
    with closing(Durable(nodes.urls, stream.name, "audit")) as elsewhere:
        take(elsewhere, 3)
    Follower.objects.filter(name="notes").update(last_seen=utc_now() - timedelta(minutes=2), store="another")
    fund(1)
    hand_on()
    call_command("followers")
    assert capsys.readouterr().out.splitlines() == [
        "notes\tstopped\tposition 8\t1 behind",
        "prints\trunning\tposition 8\t1 behind",
        "audit\telsewhere\t9 behind",
    ]
    settings.JETSTREAM_URL = ["nats://127.0.0.1:9"]
    call_command("followers")
    said = capsys.readouterr()
    assert said.out == "notes\tstopped\tposition 8\nprints\trunning\tposition 8\t1 behind\n"
    assert said.err.startswith("how far they are behind is not known: JetStream at 127.0.0.1:9: ")


def test_a_gap_and_another_log_stop_the_follower(stream: Stream, source: Durable) -> None:
    fund(2)
    hand_on()
    last = answered(stream.last)
    assert last is not None
    headers = {STORE: last.headers[STORE], POSITION: "5"}
    stream.append([Message(last.subject, b'{"position": 5}', headers)], 2)
    with pytest.raises(FollowerStopped, match="position 3 is missing: the next in the stream is 5"):
        follow(source)
    assert noted() == [1, 2]
    operating.resume("notes", actor="an operator", reason="the relay skipped them")
    follow(source)
    assert noted() == [1, 2, 5]
    stream.append([Message(last.subject, b'{"position": 6}', {STORE: "another", POSITION: "6"})], 3)
    with pytest.raises(FollowerStopped, match="the message is of the log another, and those before it of "):
        follow(source)
    Follower.objects.update(error_sequence=None, store="mine")
    with pytest.raises(FollowerStopped, match="no longer has the event of position 5 there: it is"):
        answered(Following("notes", note, source, 100).step)
    assert noted() == [1, 2, 5]


def test_a_wrong_handler_no_stream_and_no_follower_are_named(
    database: Database, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert database.url
    call_command("followers")
    assert capsys.readouterr().err.startswith("no follower has run in this database: run_follower NAME --handler ")
    with pytest.raises(CommandError, match="JETSTREAM_URL is not set"):
        call_command("run_follower", "notes", handler=HANDLER)
    settings.JETSTREAM_URL = ["nats://127.0.0.1:9"]
    with pytest.raises(CommandError, match="--handler nothing.at_all cannot be loaded"):
        call_command("run_follower", "notes", handler="nothing.at_all")


def test_a_follower_named_like_a_consumer_is_another_one(database: Database, settings: Settings) -> None:
    Follower.objects.create(name="journal", error_sequence=1)
    consumer_actions.pause("journal", actor="anna")
    operating.skip("journal", 1, actor="bert", reason="it is broken")
    operating.pause("journal", actor="bert")
    assert re.fullmatch("journal is paused by bert, since .*", str(FollowerPaused("journal")))
    with pytest.raises(OperationRefused, match="^journal is paused already: paused by bert, since"):
        operating.pause("journal", actor="carol")
    assert standstill("journal").startswith("paused by anna, since")
    assert skipped(["journal"], 0, "default") == {"journal": frozenset()}
    settings.JETSTREAM_URL = ["nats://nobody.example:4222"]
    with pytest.raises(CommandError, match="^the name must have at most 90 letters"):
        call_command("run_follower", "n" * 91, handler=HANDLER)
    room = OperatorAction._meta.get_field("consumer").max_length
    assert len(operating.recorded_name("n" * 90)) <= (room or 0)
