"""The pages of consumers: how each stands, and who may pause, resume and skip."""

import pytest
from django.contrib.auth.models import Group, User

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.rebuild import rebuild_runner
from eventstore.models import Checkpoint, LagSample, OperatorAction
from ledger.names import COMMANDS, codename
from tests.integration.books.conftest import Reader
from tests.support.ledger.book import Product

GROUPS = ("viewer", "operator", "treasurer", "administrator")
MAY_OPERATE = {"operator", "administrator"}


def member(group: str) -> Reader:
    user = User.objects.create_user(group)
    user.groups.add(Group.objects.get(name=group))
    return Reader(user)


@pytest.mark.parametrize("group", GROUPS)
def test_everybody_of_a_group_may_read(group: str, invoice: Product) -> None:
    reader = member(group)
    for path in ("", "consumers", "consumers/journal", "log", f"invoices/{invoice.uuid}"):
        assert reader.get(f"/books/{path}").status_code == 200


@pytest.mark.parametrize("group", GROUPS)
def test_only_operators_and_administrators_may_pause(group: str, invoice: Product) -> None:
    reader = member(group)
    response = reader.post("/books/consumers/journal/act", action="pause", reason="a reason")
    assert response.status_code == (302 if group in MAY_OPERATE else 403)
    assert Checkpoint.objects.get(name="journal").paused is (group in MAY_OPERATE)
    assert ('name="action"' in reader.text("/books/consumers/journal")) is (group in MAY_OPERATE)


def test_nobody_may_act_without_a_session(invoice: Product) -> None:
    assert Reader(None).post("/books/consumers/journal/act", action="pause", reason="x").status_code == 302
    assert not OperatorAction.objects.exists()


def test_the_administrators_may_do_everything_and_treasurers_move_money(invoice: Product) -> None:
    administrator = set(Group.objects.get(name="administrator").permissions.values_list("codename", flat=True))
    assert {codename(name) for name in COMMANDS} <= administrator
    treasurer = set(Group.objects.get(name="treasurer").permissions.values_list("codename", flat=True))
    assert "grant_balances" in treasurer
    assert "create_deal" not in treasurer


def test_a_pause_is_recorded_with_its_actor_and_reason_and_shown(invoice: Product) -> None:
    operator = member("operator")
    operator.post("/books/consumers/journal/act", action="pause", reason="month end")
    action = OperatorAction.objects.get()
    assert (action.action, action.actor, action.reason) == ("pause", "operator", "month end")
    assert "paused by operator: month end" in operator.text("/books/consumers")
    operator.post("/books/consumers/journal/act", action="resume", reason="done")
    assert not Checkpoint.objects.get(name="journal").paused


def test_an_action_needs_a_reason_and_fits_the_state(invoice: Product) -> None:
    operator = member("operator")
    assert operator.post("/books/consumers/journal/act", action="pause", reason=" ").status_code == 400
    assert operator.post("/books/consumers/journal/act", action="stop", reason="x").status_code == 400
    assert operator.post("/books/consumers/journal/act", action="resume", reason="x").status_code == 409
    assert operator.post("/books/consumers/nothing/act", action="pause", reason="x").status_code == 404
    assert not OperatorAction.objects.exists()


def test_a_stopped_consumer_looks_different_from_one_that_rests(reader: Reader, invoice: Product) -> None:
    Checkpoint.objects.filter(name="balances").update(last_seen=None)
    Checkpoint.objects.filter(name="directory").update(
        error_position=3, error_message="ValueError: no", error_at="2026-01-01T00:00:00Z", error_count=1
    )
    page = reader.text("/books/consumers")
    assert "resting: at the head, and not seen lately" in page
    assert "stopped at event 3 because ValueError: no" in page
    assert "directory" in reader.text("/books/")
    assert "balances" not in reader.text("/books/")


def test_the_lag_is_drawn_with_its_gaps(reader: Reader, invoice: Product) -> None:
    catch_up()
    LagSample.objects.filter(name="journal").update(lag_events=7)
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
    assert operator.post("/books/consumers/journal@rebuild/act", action="pause", reason="x").status_code == 409
    for form in ({"position": "9" * 5000, "reason": "x"}, {"position": "1", "reason": "x" * 201}):
        assert operator.post("/books/consumers/journal/act", action="skip", **form).status_code == 400
