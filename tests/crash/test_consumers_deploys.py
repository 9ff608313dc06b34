"""Two versions of the code at the same time: the older one stops at an unknown event, and the newer one continues."""

from eventstore import store
from tests.support.consumers.observing import Start, answered, append, error, failures, position
from tests.support.consumers.probes import trigger, written
from tests.support.patience import wait_until

WEIGHED = "ParcelWeighed of schema version 2 at position 3 was recorded by newer code"


def test_older_code_stops_at_an_event_of_newer_code_and_newer_code_continues(start: Start) -> None:
    older = start("run_projector")
    manager = start("run_processmanager", "answers")
    wait_until(lambda: position("answers") == position("dependent") == position("copy") == position("tally") == 0)
    append(trigger(0), trigger(0))
    assert start("append", program="newer_code").wait() == 0
    append(trigger(1))
    for name in ("copy", "tally", "base", "dependent", "answers"):  # most of them handle neither type
        wait_until(lambda name=name: WEIGHED in error(name))  # type: ignore[misc] # mypy infers no default of a lambda
        assert position(name) == 2
    assert manager.wait() == 1
    assert f"CommandError: answers stopped at position 3: {WEIGHED}" in manager.errors()
    assert written("copy") == written("tally") == [1, 2]

    start("run_projector", program="newer_code")
    start("run_processmanager", "answers", program="newer_code")
    wait_until(lambda: answered() == ["5/0"])
    head = store.head().position
    names = ("copy", "tally", "base", "dependent", "answers")
    wait_until(lambda: all(position(name) == head for name in names))
    assert [(error(name), failures(name)) for name in names] == [("", 0)] * len(names)
    assert written("copy") == [1, 2, 3, 4, 5, 6]
    assert written("tally") == written("base") == [1, 2, 5, 6]
    assert older.poll() is None
    append(trigger(0))
    wait_until(lambda: position("copy") == head + 1)
    assert written("copy") == [1, 2, 3, 4, 5, 6, 7]
