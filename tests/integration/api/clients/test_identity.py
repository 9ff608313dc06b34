"""An actor is an id that never changes. A name can be changed, but not be taken from another, in any case."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import get_application_model

from eventstore import store
from eventstore.clock import utc_now
from eventstore.models import RecordedKey
from eventstore.vendor_sql import run_file
from ledger import clients, daily_cycle
from ledger.models import FoldedName, UserName
from tests.integration.api.conftest import NewApi
from tests.support.api.calling import Api
from tests.support.databases import Database, connected_as
from tests.support.ledger.portfolio import together
from tests.support.patience import PATIENCE_S
from tests.support.postgres.roles import OWNER

migration = importlib.import_module("ledger.migrations.0002_names_without_case")
folding = importlib.import_module("ledger.migrations.0006_folded_names")

FUND = "ledger.register_company"
BODY = {"name": "Acme"}


@pytest.fixture
def robot(new_api: NewApi) -> Api:
    return new_api("robot", [FUND])


@pytest.fixture
def browser(database: Database) -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    return browser


def register(api: Api, key: str = "k") -> Any:
    return api.command("register-company", BODY, key=key)


def test_an_event_keeps_the_name_as_it_was_and_the_id(robot: Api) -> None:
    user = User.objects.get(username="robot")
    first = register(robot, "first").json()["position"]
    User.objects.filter(pk=user.pk).update(username="android")
    second = register(robot, "second").json()["position"]
    events = [robot.get(f"/api/events/{position}").json() for position in (first, second)]
    assert [(event["actor"], event["actor_id"]) for event in events] == [("robot", user.pk), ("android", user.pk)]


def test_an_event_of_the_ledger_itself_has_no_id(robot: Api) -> None:

    daily_cycle.cycle(utc_now().date())
    assert robot.get(f"/api/events/{store.head().position}").json()["actor_id"] is None


def test_a_renamed_client_keeps_its_keys(robot: Api) -> None:
    first = register(robot)
    User.objects.filter(username="robot").update(username="android")
    again = register(robot)
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")


def test_a_client_with_a_reused_name_shares_no_key(robot: Api, new_api: NewApi) -> None:
    first = register(robot)
    User.objects.filter(username="robot").update(username="android")
    get_application_model().objects.update(name="android")
    other = register(new_api("robot", [FUND]))
    assert other.status_code == 201
    assert "Idempotent-Replayed" not in other
    assert other.json()["position"] > first.json()["position"]


@pytest.mark.parametrize("name", ["Robot", "ROBOT", "robot"])
def test_the_database_refuses_a_name_that_differs_only_in_case(name: str, robot: Api) -> None:
    other = User.objects.create_user("other")
    for act in (
        lambda: User.objects.bulk_create([User(username=name)]),
        lambda: User.objects.filter(pk=other.pk).update(username=name),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()


SAME = [("Émile", "émile"), ("ЖАННА", "жанна"), ("Straße", "STRASSE"), ("Ann", "ANN")]


@contextmanager
def after_the_check(act: Callable[[], object]) -> Iterator[None]:
    """Act in each save of a user, once its name has been checked and before it is written."""

    def receiver(**_signal: Any) -> None:
        act()

    pre_save.connect(receiver, sender=User)
    try:
        yield
    finally:
        pre_save.disconnect(receiver, sender=User)


@pytest.mark.usefixtures("database")
def test_of_two_saves_at_the_same_moment_the_database_refuses_one() -> None:
    for names in SAME:
        renamed = User.objects.create_user("of old")
        with after_the_check(Barrier(2, timeout=PATIENCE_S).wait):
            answers = together(*(partial(User.objects.create_user, name) for name in names))
        assert sorted(type(answer).__name__ for answer in answers) == ["IntegrityError", "User"], names
        made = next(answer for answer in answers if isinstance(answer, User))
        others = [name for name in names if name != made.username]
        for name in others:
            # It was folded for the save that was refused, so that only the constraint stands in its way.
            for write in (
                lambda name=name: User.objects.bulk_create([User(username=name)]),
                lambda name=name: User.objects.bulk_create([User(username=name)], ignore_conflicts=True),
                lambda name=name, pk=renamed.pk: User.objects.filter(pk=pk).update(username=name),
            ):
                with pytest.raises(IntegrityError), transaction.atomic():
                    write()
        made.delete()
        # The name is free again.
        User.objects.create_user(others[0]).delete()
        renamed.delete()
    assert not UserName.objects.exists()


@pytest.mark.usefixtures("database")
def test_a_user_takes_the_name_that_it_has_and_no_other() -> None:
    user = User.objects.create_user("Zoé")
    assert UserName.objects.get(user=user).folded == "zoé"
    for name in ("never folded: Ω", "\u212aelvin"):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=user.pk).update(username=name)
    User.objects.filter(pk=user.pk).update(username="ANN")
    assert UserName.objects.get(user=user).folded == "ann"
    assert User.objects.create_user("zoé").pk
    with pytest.raises(ValidationError, match="is taken"):
        User(username="an\u3164n").save()  # a letter that cannot be seen


def test_the_admin_says_that_a_name_was_taken_at_the_same_moment(database: Database, browser: Client) -> None:
    if database.vendor == "sqlite":
        pytest.skip("the transaction of the form lets nobody else write")
    others = iter([partial(User.objects.create_user, "Émile")])

    def take() -> None:
        for other in others:
            assert isinstance(together(other)[0], User)

    with after_the_check(take):
        sent = {"username": "émile", "usable_password": "false"}
        answer = browser.post(reverse("admin:auth_user_add"), sent)
    assert "Another user has this name" in str(answer.context["adminform"].form.errors["username"])


def test_a_name_is_taken_in_every_case_of_every_alphabet(robot: Api, browser: Client) -> None:
    for taken, name in (("robot", "ROBOT"), ("Änne", "äNNE"), ("ΣΟΦΙΑ", "σοφια"), ("Straße", "STRASSE")):
        user = User.objects.filter(username=taken).first() or User.objects.create_user(taken)
        user.save()  # under its own name
        with pytest.raises(ValidationError, match=f"The name '{name}' is taken, perhaps in another case"):
            User.objects.create_user(name)
        with pytest.raises(clients.NameTaken):
            clients.create(name, [])
        with pytest.raises(CommandError, match=rf"^The name '{name}' is taken.*\.$"):
            call_command("createsuperuser", username=name, email="", interactive=False)
        answer = browser.post(reverse("admin:auth_user_add"), {"username": name, "usable_password": "false"})
        assert "username" in answer.context["adminform"].form.errors
    clients.create("Bäcker", [])
    assert clients.renew_secret("BÄCKER").client_secret


@pytest.mark.parametrize("name", ["Robot", "late_fees", "LATE_FEES"])
def test_the_admin_says_that_a_name_is_taken(name: str, robot: Api, browser: Client) -> None:
    other = User.objects.create_user("other")
    page = reverse("admin:auth_user_change", args=[other.pk])
    form = browser.get(page).context["adminform"].form
    sent = {field: form[field].value() for field in form.fields} | {"username": name}
    joined = sent.pop("date_joined")
    sent |= {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}
    answer = browser.post(page, {field: value for field, value in sent.items() if value not in (None, False)})
    assert "username" in answer.context["adminform"].form.errors
    created = {"username": name, "usable_password": "false"}
    answer = browser.post(reverse("admin:auth_user_add"), created)
    assert "username" in answer.context["adminform"].form.errors
    assert User.objects.get(pk=other.pk).username == "other"


def test_a_user_is_saved_under_its_own_name_in_another_case(robot: Api, browser: Client) -> None:
    user = User.objects.get(username="robot")
    user.username = "Robot"
    user.save()
    assert User.objects.get(pk=user.pk).username == "Robot"


def test_keys_of_the_release_before_are_moved_to_their_users(robot: Api) -> None:
    user = User.objects.get(username="robot")
    first = register(robot)
    with connected_as(OWNER):
        RecordedKey.objects.update(scope="robot:register-company")
    assert register(robot, "k").status_code == 201
    RecordedKey.objects.filter(scope=f"user {user.pk}:register-company").delete()
    with connected_as(OWNER), connection.schema_editor() as editor:
        migration.move_keys(apps, editor)
    again = register(robot)
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")


@pytest.mark.usefixtures("robot")
def test_the_migration_folds_the_names_of_all_users_or_names_those_that_differ_only_in_case() -> None:
    with connected_as(OWNER), connection.schema_editor() as editor:
        UserName.objects.all().delete()
        FoldedName.objects.all().delete()
        run_file("user_names_away", folding.SQL)(MigrationLoader(connection).project_state().apps, editor)
        User.objects.bulk_create([User(username="ROBOT"), User(username="Émile"), User(username="émile")])
        with pytest.raises(ValueError, match="robot. Rename one of each"):
            migration.refuse_duplicates(apps, editor)
        with pytest.raises(ValueError, match="case: ROBOT and robot; Émile and émile. Rename one of each"):
            folding.fold_names(apps, editor)
        User.objects.filter(username__in=["ROBOT", "émile"]).delete()
        folding.fold_names(apps, editor)
    assert sorted(UserName.objects.values_list("folded", flat=True)) == ["robot", "émile"]
