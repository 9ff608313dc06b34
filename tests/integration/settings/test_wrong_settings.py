"""A wrong setting stops every command, with one line on standard error and without a traceback."""

import pytest

from tests.support.databases import Database
from tests.support.processes import RunManage


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
    assert done.stderr.startswith("Daybook does not start: DATABASE_URL is not allowed: it must be ")
    assert done.stderr.count("\n") == 1


def test_a_missing_database_is_reported_in_one_line(run_manage: RunManage) -> None:
    env = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    done = run_manage("migrate", env=env, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("the database failed (")
    assert done.stderr.count("\n") == 1


def test_the_checks_pass_on_a_fresh_database(database: Database, run_manage: RunManage) -> None:
    run_manage("check", "--database", "default", "--fail-level", "WARNING")


def test_a_command_of_the_ledger_does_not_load_the_web(run_manage: RunManage) -> None:
    loaded = run_manage("consumers", "--json", env={"PYTHONPROFILEIMPORTTIME": "1"}).stderr
    assert " eventstore.consumers.status\n" in loaded
    assert "settings.urls" not in loaded


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
