"""The pages of consumers: how each stands, and who may pause, resume and skip."""

from dataclasses import replace

import pytest

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.rebuild import rebuild_runner
from eventstore.consumers.status import DATABASE, Failure, Status
from eventstore.models import Checkpoint, LagSample, OperatorAction
from relays.log_id import log_id
from relays.models import Follower
from tests.integration.books.acting import member
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import Product
from tests.support.patience import wait_until
from tests.support.processes import StartManage
from web.books.consumers import condition

pytestmark = pytest.mark.one_database

STATUS = Status("journal", "projector", "running", 6, 10, 4, 1.0, None, None, None)


def act(reader: Reader, name: str = "journal", **form: str) -> int:
    """Confirm an action on a consumer, and return the status of the answer."""
    status: int = reader.post(f"/books/consumers/{name}/act", confirmed="yes", **form).status_code
    return status


def test_a_pause_is_recorded_with_its_actor_and_reason_and_shown(invoice: Product) -> None:
    operator = member("operator")
    asked = operator.post("/books/consumers/journal/act", action="pause", reason="month end")
    assert "It handles no event until somebody resumes it" in asked.content.decode()
    assert not OperatorAction.objects.exists()
    act(operator, action="pause", reason="month end")
    action = OperatorAction.objects.get()
    assert (action.action, action.actor, action.reason) == ("pause", "operator", "month end")
    assert "paused</span> by operator: month end" in operator.text("/books/consumers")
    assert "It is paused by operator: month end" in operator.text("/books/consumers/journal")
    act(operator, action="resume", reason="done")
    assert not Checkpoint.objects.get(name="journal").paused


def test_a_page_of_consumers_names_no_moment_but_now(reader: Reader, invoice: Product) -> None:
    for path in ("/books/consumers", "/books/consumers/journal", "/books/webhooks"):
        page = reader.text(path, as_of="1")
        assert f"As of <b>now</b>, position <b>{store.head().position}</b>: consumers have no past" in page
        assert "permanent link" not in page
        assert "Another date" not in page


def test_an_action_needs_a_reason_and_fits_the_state(invoice: Product) -> None:
    operator = member("operator")
    assert act(operator, "journal", action="pause", reason=" ") == 400
    assert act(operator, "journal", action="stop", reason="x") == 400
    assert act(operator, "journal", action="resume", reason="x") == 409
    assert act(operator, "nothing", action="pause", reason="x") == 404
    assert not OperatorAction.objects.exists()


def test_a_stopped_consumer_looks_different_from_one_that_rests(reader: Reader, invoice: Product) -> None:
    Checkpoint.objects.filter(name="balances").update(last_seen=None)
    Checkpoint.objects.filter(name="directory").update(
        error_position=3, error_message="ValueError: no", error_at="2026-01-01T00:00:00Z", error_count=1
    )
    Follower.objects.create(name="mails", store=log_id(), position=2, error_sequence=3, error_message="too heavy")
    page = reader.text("/books/consumers")
    assert '<td>mails</td><td class="wide"><span class="chip is-stopped">stopped</span> too heavy</td>' in page
    assert "resting</span> at the head, and not seen lately" in page
    assert "is-resting" in page
    assert "is-stopped" in page
    assert "stopped</span> at event 3 because ValueError: no" in page
    assert "directory" in reader.text("/books/")
    assert "balances" not in reader.text("/books/")


def test_the_lag_is_drawn_with_its_gaps(reader: Reader, invoice: Product) -> None:
    catch_up()
    samples = LagSample.objects.filter(name="journal")
    samples.exclude(pk=samples.latest("pk").pk).delete()  # catching up may have taken two minutes
    samples.update(lag_events=7)
    page = reader.text("/books/consumers/journal")
    assert "most: 7 events" in page
    assert "59 of 60 minutes" in page
    assert store.head().position
    operator_actions.pause("aging", actor="somebody", reason="a look")
    assert "somebody" in reader.text("/books/consumers/aging")


def test_a_rebuild_is_not_paused_and_a_position_or_reason_may_not_be_endless(invoice: Product) -> None:
    operator = member("operator")
    rebuild_runner("journal", 100).begin("journal", actor="tester")
    assert 'value="pause"' not in operator.text("/books/consumers/journal@rebuild")
    assert act(operator, "journal@rebuild", action="pause", reason="x") == 409
    for form in ({"position": "9" * 5000, "reason": "x"}, {"position": "1", "reason": "x" * 201}):
        assert act(operator, "journal", action="skip", **form) == 400


def test_a_rebuild_is_asked_for_in_books_and_done_by_the_running_projector(
    invoice: Product, start_manage: StartManage
) -> None:
    operator = member("operator")
    links = [f"/books/invoices/{invoice.uuid}", "/books/journal", "/books/trial-balance", "/books/aging"]

    def shown() -> list[str]:
        at = str(store.head().position)
        return [operator.text(link, as_of=at).partition("<main")[2] for link in links]

    before = shown()
    assert act(operator, action="rebuild", reason="to be sure") == 302
    page = operator.text("/books/consumers/journal")
    assert "to be rebuilt, asked for by operator at " in page
    assert 'value="rebuild"' not in page
    assert act(operator, action="rebuild", reason="again") == 409
    process = start_manage("run_projector", "journal")
    wait_until(lambda: Checkpoint.objects.get(name="journal").rebuild_request is None)
    assert process.returncode is None
    assert Checkpoint.objects.get(name="journal").generation == 2
    assert shown() == before
    assert act(operator, "late_fees", action="rebuild", reason="no") == 409


def test_a_rebuild_in_progress_says_since_when_who_asked_and_how_far_it_is(reader: Reader, invoice: Product) -> None:
    operator_actions.request_rebuild("journal", actor="ann", reason="wrong sums")
    rebuild = rebuild_runner("journal", 2)
    rebuild.begin("journal", actor="")
    rebuild.step()
    for page in (reader.text("/books/consumers"), reader.text("/books/consumers/journal")):
        assert "being rebuilt since 20" in page
        assert f"asked for by ann: wrong sums; 2 of {store.head().position} events are done" in page


def test_no_two_conditions_look_the_same() -> None:
    failure = Failure(3, "ValueError: no", None, 1)
    statuses = {
        "gone": replace(STATUS, state="gone"),
        "stopped": replace(STATUS, state="stopped", error=failure),
        "waiting": replace(STATUS, state="waiting", waiting_for="journal"),
        "away": replace(STATUS, state="waiting", waiting_for=DATABASE),
        "working": STATUS,
        "resting": replace(STATUS, state="stopped", lag_events=0),
        "silent": replace(STATUS, state="stopped"),
    }
    assert {condition(status).word: condition(status).word for status in statuses.values()} == {
        word: word for word in statuses
    }
    assert condition(statuses["silent"]).sentence == (
        "not running, or waiting for its database: 4 events behind, and never seen"
    )
    for status in statuses.values():  # the label stands beside it
        assert not condition(status).beside_label.startswith(condition(status).label)


def test_a_reason_that_a_terminal_would_obey_is_refused(invoice: Product) -> None:
    form = {"action": "pause", "reason": "month\x1b[2Jend", "confirmed": "yes"}
    refused = member("operator").post("/books/consumers/journal/act", **form)
    assert refused.status_code == 409
    assert "no control characters" in refused.content.decode()
    assert not OperatorAction.objects.exists()
