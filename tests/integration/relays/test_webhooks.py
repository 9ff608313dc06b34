"""Each endpoint gets its events in order and signed, whatever other endpoints, the network and operators do."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers
from eventstore.errors import NotCaughtUp, OperationRefused
from eventstore.home import leave
from eventstore.models import OperatorAction
from eventstore.payloads.canonical import canonical_event
from relays.log_id import log_id
from relays.models import Delivery, Endpoint
from relays.webhooks import delivery, endpoints
from relays.webhooks.relay import Webhooks
from relays.webhooks.sending import Result, message_of
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_company
from tests.support.receivers.hooks import Hooks, receiving

BY = {"actor": "an operator", "reason": "a good one"}


@pytest.fixture(autouse=True)
def _webhooks(database: Database, settings: Settings) -> Iterator[None]:
    settings.WEBHOOKS, settings.WEBHOOK_NETWORKS = True, ["127.0.0.1/32"]
    relay = Webhooks()
    consumers.register(relay)
    yield
    relay.close()
    del consumers.relays["webhooks"]


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with receiving() as running:
        yield running


def registered(url: str, *types: str) -> Endpoint:
    return endpoints.register(uuid4(), url, types, "", actor="an operator")


def as_it_is(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.get(pk=endpoint.pk)


def due_now(endpoint: Endpoint) -> None:
    """Let the time of the next attempt come."""
    Endpoint.objects.filter(pk=endpoint.pk).update(next_try_at=utc_now() - timedelta(seconds=1))


def test_events_recorded_since_are_sent_in_order_and_signed(hooks: Hooks) -> None:
    new_company("1.00")
    endpoint = registered(hooks.url)
    before = store.head().position
    new_company("1.00")
    new_company("1.00")
    catch_up("webhooks")
    assert hooks.positions() == list(range(before + 1, store.head().position + 1))
    headers, body = hooks.received[0]
    Webhook(endpoint.secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(body.replace("1.00", "2.00").replace("type", "Type"), headers)
    event = store.read_event(before + 1)
    assert event is not None
    message = json.loads(body)
    assert (message["type"], message["data"]) == (event.type, json.loads(canonical_event(event)))
    assert headers["webhook-id"].endswith(f"_{event.position}")
    other = event._replace(recorded_at=event.recorded_at + timedelta(microseconds=1))
    assert message_of(event, log_id()).id == headers["webhook-id"] != message_of(other, log_id()).id
    catch_up("webhooks")
    assert len(hooks.received) == store.head().position - before
    assert as_it_is(endpoint).position == store.head().position


def test_no_endpoint_gets_an_event_that_no_append_can_have_recorded_so(hooks: Hooks) -> None:
    registered(hooks.url)
    new_company("1.00")
    catch_up("webhooks")
    damaged = store.head().position + 1
    new_company("1.00")
    with unguarded() as cursor:
        cursor.execute("UPDATE eventstore_event SET actor = '' WHERE position = %s", [damaged])
    with pytest.raises(NotCaughtUp, match=f"position {damaged}: actor or correlation_id is empty"):
        catch_up("webhooks")
    consumers.relays["webhooks"].close()
    assert hooks.positions() == list(range(1, damaged))
    operator_actions.skip("webhooks", damaged, actor="an operator", reason="it was changed")
    catch_up("webhooks")
    consumers.relays["webhooks"].close()
    assert hooks.positions() == [*range(1, damaged), *range(damaged + 1, store.head().position + 1)]


def test_an_event_that_is_changed_before_it_is_tried_again_is_not_sent(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    hooks.answers = [200, 500]
    new_company("1.00")
    catch_up("webhooks")
    assert hooks.positions() == [1, 2]
    with unguarded() as cursor:
        cursor.execute("UPDATE eventstore_event SET actor = '' WHERE position = 2")
    due_now(endpoint)
    catch_up("webhooks")
    reason = "event 2 was not taken after 2 attempts: not sent: .* at position 2: actor or correlation_id is empty"
    assert re.fullmatch(reason, as_it_is(endpoint).disabled_reason)
    endpoints.skip(endpoint.uuid, 2, actor="an operator", reason="it was changed")
    endpoints.enable(endpoint.uuid, actor="an operator", reason="it was changed")
    catch_up("webhooks")
    endpoints.redeliver(endpoint.uuid, 2, actor="an operator", reason="to see")
    catch_up("webhooks")
    consumers.relays["webhooks"].close()
    assert hooks.positions() == [1, 2, *range(3, store.head().position + 1)]
    assert Delivery.objects.get(position=2).last_result.startswith("not sent: ")


@pytest.mark.parametrize("newer", ["type = 'CompanyMerged'", "schema_version = 9"])
def test_an_endpoint_waits_at_an_event_of_a_newer_release(hooks: Hooks, newer: str) -> None:
    endpoint = registered(hooks.url)
    hooks.answers = [200, 500]
    new_company("1.00")
    catch_up("webhooks")
    event = store.read_event(2)
    assert event is not None
    with unguarded() as cursor:
        cursor.execute(f"UPDATE eventstore_event SET {newer} WHERE position = 2")
    due_now(endpoint)
    catch_up("webhooks")
    waiting = as_it_is(endpoint)
    assert (waiting.disabled_at, waiting.position, waiting.attempts, waiting.claimed_until) == (None, 1, 1, None)
    assert waiting.next_try_at > utc_now()
    with unguarded() as cursor:
        cursor.execute(
            "UPDATE eventstore_event SET type = %s, schema_version = %s WHERE position = 2",
            [event.type, event.schema_version],
        )
    due_now(endpoint)
    catch_up("webhooks")
    consumers.relays["webhooks"].close()
    assert hooks.positions() == [1, 2, *range(2, store.head().position + 1)]


def test_an_endpoint_gets_its_types_only(hooks: Hooks) -> None:
    registered(hooks.url, "CompanyFunded")
    new_company("1.00")
    catch_up("webhooks")
    assert {json.loads(body)["type"] for _, body in hooks.received} == {"CompanyFunded"}
    assert len(hooks.received) == 1


def test_an_endpoint_that_fails_is_tried_again_later_and_holds_up_no_other(hooks: Hooks) -> None:
    with receiving() as other:
        failing, working = registered(hooks.url), registered(other.url)
        hooks.answers = [500, 503]
        new_company("1.00")
        catch_up("webhooks")
        head = store.head().position
        assert as_it_is(working).position == head
        assert hooks.positions() == [1]
        state = as_it_is(failing)
        assert (state.position, state.attempts, state.disabled_at) == (0, 1, None)
        assert state.next_try_at > utc_now()
        catch_up("webhooks")
        assert hooks.positions() == [1]
        due_now(failing)
        catch_up("webhooks")
        due_now(failing)
        catch_up("webhooks")
    assert hooks.positions() == [1, 1, 1, *range(2, head + 1)]
    assert len({headers["webhook-id"] for headers, _ in hooks.received}) == head
    first = Delivery.objects.get(endpoint=failing, position=1)
    assert (first.state, first.attempts, first.last_result) == ("delivered", 3, "answered 204")


def test_an_endpoint_that_fails_for_days_is_disabled_and_goes_on_where_it_was_once_enabled(hooks: Hooks) -> None:
    assert sum(delivery.RETRIES_S) > 3 * 86_400
    endpoint = registered(hooks.url)
    hooks.answers = [500] * (len(delivery.RETRIES_S) + 1)
    new_company("1.00")
    for _ in range(len(delivery.RETRIES_S) + 2):
        catch_up("webhooks")
        due_now(endpoint)
    state = as_it_is(endpoint)
    assert state.disabled_at is not None
    assert state.disabled_reason == "event 1 was not taken after 11 attempts: answered 500"
    new_company("1.00")
    with pytest.raises(OperationRefused, match="disabled: enable it first"):
        endpoints.redeliver(endpoint.pk, 1, **BY)
    endpoints.enable(endpoint.pk, **BY)
    catch_up("webhooks")
    assert hooks.positions()[11:] == list(range(1, store.head().position + 1))


@pytest.mark.one_database
def test_an_endpoint_that_is_gone_is_disabled_at_once(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    hooks.answers = [410]
    new_company("1.00")
    catch_up("webhooks")
    assert as_it_is(endpoint).disabled_reason == "event 1 was not taken at the first attempt: answered 410"


@pytest.mark.one_database
def test_a_redirect_is_not_followed(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    hooks.answers = [307]
    new_company("1.00")
    catch_up("webhooks")
    assert hooks.positions() == [1]
    sent = Delivery.objects.get(endpoint=endpoint)
    assert (sent.state, sent.last_result) == ("failing", "answered 307, and redirects are not followed")


@pytest.mark.one_database
def test_an_address_inside_the_network_is_refused_also_after_it_was_registered(
    hooks: Hooks, settings: Settings
) -> None:
    endpoint = registered(hooks.url)
    settings.WEBHOOK_NETWORKS = []
    new_company("1.00")
    catch_up("webhooks")
    assert hooks.received == []
    assert "inside this network" in Delivery.objects.get(endpoint=endpoint).last_result
    with pytest.raises(endpoints.InvalidEndpoint, match=r"127\.0\.0\.1 is inside this network"):
        registered(hooks.url)
    settings.WEBHOOK_NETWORKS = ["127.0.0.1/32"]
    with pytest.raises(endpoints.InvalidEndpoint, match="no event type 'CompanyFounded'"):
        registered(hooks.url, "CompanyFounded")
    with pytest.raises(OperationRefused, match="there is an endpoint .* already"):
        endpoints.register(endpoint.pk, hooks.url, (), "", actor="an operator")
    settings.WEBHOOKS = False
    with pytest.raises(OperationRefused, match="set WEBHOOKS=true"):
        registered(hooks.url)


@pytest.mark.one_database
def test_both_secrets_sign_for_a_day_after_a_rotation(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    secret = endpoints.rotate(endpoint.pk, **BY)
    new_company("1.00")
    catch_up("webhooks")
    headers, body = hooks.received[0]
    Webhook(endpoint.secret).verify(body, headers)
    Webhook(secret).verify(body, headers)
    Endpoint.objects.update(previous_until=utc_now() - timedelta(seconds=1))
    new_company("1.00")
    catch_up("webhooks")
    headers, body = hooks.received[-1]
    Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(body, headers)


def test_operators_skip_send_again_disable_and_delete_and_each_action_is_recorded(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    hooks.answers = [400]
    new_company("1.00")
    catch_up("webhooks")
    with pytest.raises(OperationRefused, match="fails at event 1, and only that can be skipped"):
        endpoints.skip(endpoint.pk, 2, **BY)
    endpoints.skip(endpoint.pk, 1, **BY)
    catch_up("webhooks")
    head = store.head().position
    assert hooks.positions() == list(range(1, head + 1))
    hooks.answers = [500]
    endpoints.redeliver(endpoint.pk, 1, **BY)
    catch_up("webhooks")
    assert Delivery.objects.get(position=1).state == "skipped"
    endpoints.redeliver(endpoint.pk, 1, **BY)
    catch_up("webhooks")
    assert hooks.positions() == [*range(1, head + 1), 1, 1]
    assert (as_it_is(endpoint).position, Delivery.objects.get(position=1).state) == (head, "delivered")
    endpoints.disable(endpoint.pk, **BY)
    new_company("1.00")
    catch_up("webhooks")
    assert len(hooks.received) == head + 2
    with pytest.raises(OperationRefused, match="a reason is needed"):
        endpoints.enable(endpoint.pk, actor="an operator", reason=" ")
    endpoints.delete(endpoint.pk, **BY)
    taken = OperatorAction.objects.filter(consumer=f"webhook {endpoint.pk}").order_by("id")
    assert [action.action for action in taken] == ["resume", "skip", "resume", "resume", "pause", "retire"]
    with pytest.raises(endpoints.NoSuchEndpoint):
        endpoints.enable(endpoint.pk, **BY)


def test_nothing_is_sent_while_the_relay_is_paused_and_never_from_a_copy(hooks: Hooks) -> None:
    registered(hooks.url)
    new_company("1.00")
    operator_actions.pause("webhooks", actor="an operator")
    with pytest.raises(NotCaughtUp, match="webhooks is paused"):
        catch_up("webhooks")
    operator_actions.resume("webhooks", actor="an operator")
    leave("tests", "restored elsewhere")
    with pytest.raises(NotCaughtUp, match="this ledger is a copy"):
        catch_up("webhooks")
    assert hooks.received == []


def test_an_endpoint_that_a_killed_process_had_claimed_goes_on_once_the_claim_is_over(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    new_company("1.00")
    Endpoint.objects.update(claimed_until=utc_now() + timedelta(minutes=5))
    catch_up("webhooks")
    assert hooks.received == []
    Endpoint.objects.update(claimed_until=utc_now() - timedelta(seconds=1))
    catch_up("webhooks")
    assert hooks.positions() == list(range(1, store.head().position + 1))
    assert as_it_is(endpoint).claimed_until is None


@pytest.mark.one_database
def test_a_process_that_is_asked_to_end_sends_no_further_message(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    new_company("1.00")
    new_company("1.00")
    deliveries = delivery.Deliveries()
    deliveries._stop.set()
    deliveries.work(store.head().position)
    deliveries.close()
    assert (hooks.positions(), as_it_is(endpoint).position) == ([1], 1)


def test_a_claim_that_another_process_took_over_changes_nothing(hooks: Hooks) -> None:
    endpoint = registered(hooks.url)
    new_company("1.00")
    late = as_it_is(endpoint)
    late.claimed_until = utc_now()
    event = store.read_event(1)
    assert event is not None
    message = message_of(event, "log")
    result = Result(message, is_taken=True, is_gone=False, said="answered 204", at=utc_now())
    delivery.record(late, [result], by_hand=False)
    assert (as_it_is(endpoint).position, Delivery.objects.count()) == (0, 0)
