"""A wrong setting stops every command, with one line on standard error and without a traceback."""

import sys

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django.fixtures import Settings

from eventstore.consumers.registry import consumers
from tests.support import processes
from tests.support.databases import Database
from tests.support.processes import RunManage

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("command", ["check", "migrate", "no-such-command"])
def test_a_wrong_setting_stops_a_command_in_one_line(command: str, run_manage: RunManage) -> None:
    done = run_manage(command, env={"HYDRATION_DELAY": "soon"}, check=False)
    assert done.returncode == 1
    expected = (
        "Daybook does not start: HYDRATION_DELAY='soon' is not allowed: it must be a whole number from 0 to 600000\n"
    )
    assert (done.stdout, done.stderr) == ("", expected)


def test_a_url_that_names_no_file_is_refused_without_a_warning(run_manage: RunManage) -> None:
    done = run_manage("check", env={"DATABASE_URL": "sqlite://daybook"}, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Daybook does not start: DATABASE_URL is not allowed: it names no file")
    assert done.stderr.count("\n") == 1


def test_a_missing_database_is_reported_in_one_line(run_manage: RunManage) -> None:
    env = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    done = run_manage("migrate", env=env, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("the database failed (")
    assert done.stderr.count("\n") == 1


def test_a_similar_variable_is_reported_at_start_and_by_the_checks(run_manage: RunManage) -> None:
    misspelt = {"WEB_THREAD": "4"}
    done = run_manage("consumers", "--json", env=misspelt)
    assert done.stderr == "warning: WEB_THREAD is not a setting; was WEB_THREADS meant?\n"
    checked = run_manage("check", "--deploy", env=misspelt).stderr
    assert "WEB_THREAD is not a setting" in checked
    assert "web.W002" in checked


@pytest.mark.parametrize("variable", ["DATABASE_URL", "SECRET_KEY"])
def test_outside_debug_nothing_starts_without_what_production_needs(variable: str, database: Database) -> None:
    env = {name: value for name, value in database.env.items() if name != variable}
    for command in (processes.manage("migrate"), [sys.executable, "-m", "gunicorn", "settings.wsgi"]):
        done = processes.run(command, env, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(f"Daybook does not start: {variable} is missing: ")
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("name", "value"), [("PROMETHEUS_MULTIPROC_DIR", "/no/such/folder"), ("WEB_BIND", "127.0.0.1:99999")]
)
def test_a_wrong_setting_of_the_web_is_one_line(name: str, value: str, database: Database) -> None:
    for command in (processes.manage("check"), [sys.executable, "-m", "gunicorn", "settings.wsgi"]):
        done = processes.run(command, {**database.env, name: value}, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert line.startswith(f"Daybook does not start: {name}={value!r} is not allowed: it must be ")


def test_the_checks_pass_on_a_fresh_database(database: Database, run_manage: RunManage) -> None:
    run_manage("check", "--database", "default", "--fail-level", "WARNING")


def test_a_command_of_the_ledger_does_not_load_the_web(run_manage: RunManage) -> None:
    loaded = run_manage("consumers", "--json", env={"PYTHONPROFILEIMPORTTIME": "1"}).stderr
    assert " eventstore.consumers.status\n" in loaded
    assert "settings.urls" not in loaded


def test_migrate_checks_the_log_and_does_not_load_the_web(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROOT_URLCONF = "a module that is not there"
    call_command("migrate", skip_checks=False, verbosity=0)
    monkeypatch.setattr(consumers.projectors["balances"], "types", ("CompanyFundedd",))
    with pytest.raises(SystemCheckError, match="Did you mean 'CompanyFunded'"):
        call_command("migrate", skip_checks=False, verbosity=0)


def test_the_business_time_zone_is_the_one_that_is_set(run_manage: RunManage) -> None:
    code = "from django.conf import settings; print(settings.BUSINESS_TIME_ZONE)"
    assert run_manage("shell", "-v0", "-c", code, env={"BUSINESS_TIME_ZONE": "Asia/Tokyo"}).stdout == "Asia/Tokyo\n"


def test_a_superuser_for_development_is_made_once_with_a_password_that_is_printed(run_manage: RunManage) -> None:
    first = run_manage("create_development_superuser", env={"DEBUG": "true"}).stdout
    assert "with the password " in first
    second = run_manage("create_development_superuser", env={"DEBUG": "true"}).stdout
    assert "exists" in second
    assert "with the password" not in second


def test_no_superuser_is_made_without_debug(run_manage: RunManage) -> None:
    done = run_manage("create_development_superuser", check=False)
    assert done.returncode == 1
    assert done.stderr == "CommandError: create_development_superuser works only with DEBUG=true; use createsuperuser\n"


def test_a_python_without_django_is_named() -> None:
    done = processes.run([sys.executable, "-S", "manage.py", "check"], {}, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("Django is not installed for this Python: use .venv/bin/python manage.py")
