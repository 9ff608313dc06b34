"""Which database each table lies in."""

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from pytest_django import Settings

from eventstore.models import CONSUMER_TABLES, Checkpoint, Event
from projectors.database_router import ReadModelRouter
from projectors.models import Balance

ROUTER = ReadModelRouter()


@pytest.mark.parametrize(
    ("model", "on_default", "on_read"),
    [
        (Event, True, False),
        (User, True, False),
        (Balance, False, True),
        *((table, True, True) for table in CONSUMER_TABLES),
    ],
)
def test_the_log_and_the_read_models_lie_apart_and_consumers_tables_with_both(
    settings: Settings, model: type[Model], on_default: bool, on_read: bool
) -> None:
    settings.READ_DATABASE = "read"
    app, name = model._meta.app_label, model._meta.model_name
    assert ROUTER.allow_migrate("default", app, name) is on_default
    assert ROUTER.allow_migrate("read", app, name) is on_read


def test_the_triggers_of_the_log_are_made_where_the_log_is(settings: Settings) -> None:
    settings.READ_DATABASE = "read"
    assert ROUTER.allow_migrate("default", "eventstore")
    assert not ROUTER.allow_migrate("read", "eventstore")


def test_where_one_database_is_meant_everything_lies_in_it(settings: Settings) -> None:
    settings.READ_DATABASE = "default"
    for model in (Event, User, Balance, Checkpoint):
        assert ROUTER.allow_migrate("default", model._meta.app_label, model._meta.model_name)


def test_read_models_and_their_checkpoints_are_read_and_written_there(settings: Settings) -> None:
    settings.READ_DATABASE = "read"
    assert ROUTER.db_for_read(Balance) == ROUTER.db_for_write(Checkpoint) == "read"
    assert ROUTER.db_for_read(Event) is None
