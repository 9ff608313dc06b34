"""A wrong setting is refused with its name and the values that are allowed; docs/settings.md lists every setting."""

import ast
import inspect
import os
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings import database_urls, environment

ROOT = Path(__file__).parents[3]
SETTINGS = ROOT / "settings" / "__init__.py"
NUMBERS = "HYDRATION_DELAY", "CONSUMER_BATCH_SIZE", "DAILY_CYCLE_PERIOD", "DAILY_CYCLE_MAX_GAP", "COMMAND_MAX_ATTEMPTS"
REFUSED = [
    *[
        (name, value, "a whole number from")
        for name in NUMBERS
        for value in ("", "soon", "-1", "1.5", "1_0", "1e3", "٣")
    ],
    ("CONSUMER_BATCH_SIZE", "0", "from 1 to 100000"),
    ("CONSUMER_BATCH_SIZE", "100001", "from 1 to 100000"),
    ("DEBUG", "maybe", "one of true, false"),
    ("DEBUG", "", "one of true, false"),
    ("HTTPS_ONLY", "sometimes", "one of true, false"),
    ("HSTS_SECONDS", "forever", "from 0 to 63072000"),
    ("WEB_PROXIES", "-1", "from 0 to 10"),
    ("LOG_FORMAT", "xml", "one of json, text"),
    ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
    *[
        ("WEB_BIND", value, "an address and a port")
        for value in ("", "8000", "127.0.0.1", "http://a:80", "unix:", "unix://a/b", ":99999", "[::1]:65536")
    ],
    *[
        ("CSRF_TRUSTED_ORIGINS", value, "origins")
        for value in ("ledger.example", "https://a/b", "https://a,,https://b")
    ],
    *[("BUSINESS_TIME_ZONE", value, "IANA") for value in ("", "Mars/Base", "America", "/etc/passwd", "../UTC")],
    *[("ALLOWED_HOSTS", value, "host names") for value in ("", "https://a", "a:80", "a,,b", "a b")],
]
PORT = "its port is not a number from 1 to 65535; in a name or a password, write @ as %40"
WRONG_URLS = [
    ("", "it is empty"),
    (" ", "it is empty"),
    ("'postgres://host/name'", "it begins with a quotation mark"),
    ("daybook.sqlite3", "it does not begin with a scheme"),
    ("postgres:host/name", "it does not begin with a scheme"),
    ("user:hunter2@host/name", "it does not begin with a scheme"),
    ("mysql://user:hunter2@host/name", "its scheme 'mysql' is not known"),
    ("sqlite://", "it names no file"),
    ("sqlite:///", "it names no file"),
    ("sqlite://daybook.sqlite3", "it names no file"),
    ("sqlite:///:memory:", "a database in memory"),
    ("sqlite:////no/such/folder/file.sqlite3", "the folder /no/such/folder does not exist"),
    ("sqlite:////usr", "/usr is a folder"),
    ("sqlite:////tmp/file.sqlite3?mode=rw", "its mode is neither ro nor rwc"),
    ("sqlite:////tmp/file.sqlite3?sslmode=require", "its option 'sslmode' is not one of SQLite"),
    *[
        ("sqlite:////tmp/file.sqlite3?timeout=" + value, "its timeout is not a number")
        for value in ("abc", "-1", "1e9")
    ],
    ("sqlite:////tmp/file.sqlite3?cached_statements=few", "its cached_statements is not a whole number"),
    ("sqlite:////tmp/file.sqlite3?transaction_mode=soon", "its transaction_mode is not one of DEFERRED, IMMEDIATE"),
    ("sqlite:///user:hunter2@host/name", "its path has : before @"),
    ("sqlite:///user:hunter2@host", "its path has : before @"),
    ("sqlite:////tmp/file#1.sqlite3", "it contains #"),
    ("postgres://host", "it names no database"),
    ("postgres://host/", "it names no database"),
    ("postgres://user:hunter2@host/?sslmode=require", "it names no database"),
    ("postgres://user:hunter2@host:port/name", PORT),
    ("postgres://user:hunter2@host:65536/name", PORT),
    ("postgres://user:hunter2@host:0/name", PORT),
    ("postgres://user:hunter2@one:,two/name", PORT),
    ("postgres://user:hunter2@one:5432,two:x/name", PORT),
    ("postgres://user:hunter2/hunter2@host/name", PORT),
    ("postgres://user:hunter2#@host/name", "it contains #"),
    ("postgres://user:hunter2@[::1/name", "its host is not a name or an address"),
    ("postgres://user:hunter2@::1/name", "its port"),
    ("postgres://%2Frun%2Fpostgresql/name", "the path of a Unix socket is given as in"),
    ("postgres://user:hunter2%e9@host/name", "its percent-encoding is not UTF-8"),
    ("postgres://user:hunter2@host/na%00me", "it contains a null character"),
]


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """Return the settings with these variables, and with a database unless they name one."""
    return load_exactly(monkeypatch, **{"DATABASE_URL": "sqlite:///daybook.sqlite3", **variables})


def load_exactly(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """Return the settings with these variables and no others."""
    for name in re.findall(r"`([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text()):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setitem(os.environ, name, value)
    return runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize(("name", "value", "allowed"), REFUSED)
def test_a_wrong_value_is_refused_with_its_name_and_the_allowed_values(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name}\\b.* is not allowed: it must be .*{re.escape(allowed)}"):
        load(monkeypatch, **{"DEBUG": "true", name: value})


@pytest.mark.parametrize("name", ["DATABASE_URL", "READ_DATABASE_URL", "LOG_REPLICA_URL"])
@pytest.mark.parametrize(("url", "fault"), WRONG_URLS)
def test_the_part_of_a_url_that_is_wrong_is_named_and_its_password_is_not_repeated(
    name: str, url: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not url.strip() and name != "DATABASE_URL":
        assert name not in load(monkeypatch, DEBUG="true", **{name: url})["MISSPELT_VARIABLES"]  # as if it were not set
        return
    with pytest.raises(ImproperlyConfigured) as refused:
        load(monkeypatch, DEBUG="true", **{name: url})
    if name == "LOG_REPLICA_URL" and url.startswith("sqlite:///"):
        fault = ""  # no file is allowed
    assert str(refused.value).startswith(f"{name} is not allowed: {fault}")
    assert "; it must be postgres://user:password@host:5432/name" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_replica_is_not_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ImproperlyConfigured, match="^LOG_REPLICA_URL is not allowed: only PostgreSQL has .*:5432/name$"
    ):
        load(monkeypatch, DEBUG="true", LOG_REPLICA_URL="sqlite:////tmp/a.sqlite3")


@pytest.mark.parametrize(
    ("url", "name", "password"),
    [
        ("postgres://user:p+q@host/a+b", "a+b", "p+q"),
        ("postgres://us%40er:p%25q%2F@one:5432,two/a%20b", "a b", "p%q/"),
        ("psql://user:%C3%A9@[::1]:5432/name?sslmode=require", "name", "é"),
        ("sqlite:////usr/a+b%25.sqlite3", "/usr/a+b%.sqlite3", ""),
        ("postgres://user:a+b[c%40]@host/a+b", "a+b", "a+b[c@]"),
        ("postgres://user:\u2100%+ \t@host:/100%", "100%", "\u2100%+ \t"),
        (" postgres://user:hunter2@host/name\n", "name", "hunter2"),
    ],
)
def test_a_url_is_read_as_it_is_written(url: str, name: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = load(monkeypatch, DEBUG="true", DATABASE_URL=url)["DATABASES"]["default"]
    assert (database["NAME"], database["PASSWORD"]) == (name, password)


def test_a_timeout_of_sqlite_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    database = load(monkeypatch, DEBUG="true", DATABASE_URL="sqlite:///x.sqlite3?timeout=0.5")["DATABASES"]["default"]
    assert database["OPTIONS"]["timeout"] == 0.5


def test_a_folder_that_this_user_may_not_search_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examine = Path.stat

    def refuse(path: Path, **options: Any) -> os.stat_result:
        if tmp_path in path.parents:  # root may search every folder
            raise PermissionError
        return examine(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    for name, place in (
        ("a.sqlite3", f"a folder above {tmp_path}/a.sqlite3"),
        ("user:hunter2@a", "a folder of its path"),
    ):
        with pytest.raises(ImproperlyConfigured, match=f"^DATABASE_URL is not allowed: {place} cannot be searched by"):
            load(monkeypatch, DEBUG="true", DATABASE_URL=f"sqlite:///{tmp_path}/{name}")


def test_a_file_that_this_user_cannot_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "closed.sqlite3"
    file.touch()
    monkeypatch.setattr(os, "access", lambda path, _mode: path != file)  # root may read every file
    with pytest.raises(ImproperlyConfigured, match=f"^DATABASE_URL is not allowed: the file {file} cannot be read by"):
        load(monkeypatch, DEBUG="true", DATABASE_URL=f"sqlite:///{file}")


def test_without_a_secret_key_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY is missing"):
        load(monkeypatch)


@pytest.mark.parametrize("key", [" ", "\t\n", "\u00a0"])
def test_a_blank_secret_key_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for debug in ("true", "false"):
        with pytest.raises(ImproperlyConfigured, match="^SECRET_KEY is not allowed: it must be a long random text$"):
            load(monkeypatch, SECRET_KEY=key, DEBUG=debug)


def test_without_a_database_nothing_starts_outside_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL is missing: name the database"):
        load_exactly(monkeypatch, SECRET_KEY="x")
    assert load_exactly(monkeypatch, DEBUG="true")["DATABASES"]["default"]["NAME"].endswith("daybook.sqlite3")


@pytest.mark.parametrize("name", ["DATABSE_URL", "DATABASE_URI", "database_url", "DAYBOOK_DATABASE_URL"])
def test_a_misspelt_database_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^DATABASE_URL is missing \({name} is set: was"):
        load_exactly(monkeypatch, SECRET_KEY="x", **{name: "postgres://user@host/name"})


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"DEBUGG": "true"}, "SECRET_KEY is missing (DEBUGG is set: was DEBUG meant?)"),
        ({"SECRET_KEYY": "x"}, "SECRET_KEY is missing (SECRET_KEYY is set: was SECRET_KEY meant?)"),
        ({"SECRET_KEY": "x", "DEBUG_": "1"}, "DATABASE_URL is missing (DEBUG_ is set: was DEBUG meant?)"),
        (
            {"DATABASE_URLL": "x", "DEBUGG": "true"},
            "SECRET_KEY is missing (DATABASE_URLL is set: was DATABASE_URL meant? DEBUGG is set: was DEBUG meant?)",
        ),
    ],
)
def test_every_misspelt_variable_is_named_beside_what_is_missing(
    variables: dict[str, str], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        load_exactly(monkeypatch, **variables)
    assert str(refused.value).startswith(f"{hint}: ")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("WEB_THREAD", "WEB_THREADS"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("READ_DATBASE_URL", "READ_DATABASE_URL"),
        ("DAYBOOK_SECRET_KEY", "SECRET_KEY"),
        ("HTTPS_PROXY", None),
        ("WEB_CONCURRENCY", None),
        ("POSTGRES_PASSWORD", None),
        ("PYTHONDEBUG", None),
        ("DAYBOOK_TEST_VENDOR", None),
    ],
)
def test_a_variable_whose_name_is_similar_to_a_settings_is_reported(
    name: str, setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(monkeypatch, SECRET_KEY="x", **{name: "1"})["MISSPELT_VARIABLES"].get(name) == setting


@pytest.mark.parametrize("path", ["/no/such/folder", str(SETTINGS), " "])
def test_a_folder_for_metrics_must_exist(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="^PROMETHEUS_MULTIPROC_DIR='.*' is not allowed: it must be"):
        load(monkeypatch, SECRET_KEY="x", PROMETHEUS_MULTIPROC_DIR=path)


def test_with_debug_a_secret_key_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, DEBUG="yes")["SECRET_KEY"]


def test_a_secret_may_begin_with_a_dollar_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, SECRET_KEY="$ecret")["SECRET_KEY"] == "$ecret"


def test_a_socket_directory_is_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgres://user@/name?host=/run/postgresql"
    database = load(monkeypatch, SECRET_KEY="x", DATABASE_URL=url)["DATABASES"]["default"]
    assert (database["NAME"], database["USER"], database["HOST"]) == ("name", "user", "")
    assert database["OPTIONS"]["host"] == "/run/postgresql"
    assert "idle_in_transaction_session_timeout=10000" in database["OPTIONS"]["options"]


def test_a_dead_database_host_is_noticed_within_seconds_unless_the_url_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgres://user@host/name?keepalives_idle=60"
    options = load(monkeypatch, SECRET_KEY="x", DATABASE_URL=url)["DATABASES"]["default"]["OPTIONS"]
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (10, 30_000)
    assert (int(options["keepalives_idle"]), options["keepalives_interval"], options["keepalives_count"]) == (60, 5, 3)


def test_a_relative_sqlite_file_is_in_the_project_from_any_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    database = load(monkeypatch, SECRET_KEY="x", DATABASE_URL="sqlite:///mine.sqlite3")["DATABASES"]["default"]
    assert database["NAME"] == str(ROOT / "mine.sqlite3")


@pytest.mark.parametrize("read", ["", "sqlite:///one.sqlite3", "sqlite:///one.sqlite3\n"])
def test_equal_urls_are_one_alias(read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, SECRET_KEY="x", DATABASE_URL="sqlite:///one.sqlite3", READ_DATABASE_URL=read)
    assert (list(loaded["DATABASES"]), loaded["READ_DATABASE"]) == (["default"], "default")


def test_another_read_database_is_an_alias_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, SECRET_KEY="x", READ_DATABASE_URL="sqlite:///other.sqlite3")
    assert (list(loaded["DATABASES"]), loaded["READ_DATABASE"]) == (["default", "read"], "read")


def test_production_requires_https_and_development_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    https = "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS"
    production = load(monkeypatch, SECRET_KEY="x")
    assert all(production[name] for name in https)
    for variables in ({"DEBUG": "true"}, {"HTTPS_ONLY": "false"}):
        loaded = load(monkeypatch, SECRET_KEY="x", **variables)
        assert not any(loaded[name] for name in https)


def test_a_proxys_headers_are_believed_only_if_a_proxy_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, SECRET_KEY="x")["SECURE_PROXY_SSL_HEADER"] is None
    behind = load(monkeypatch, SECRET_KEY="x", WEB_PROXIES="1")["SECURE_PROXY_SSL_HEADER"]
    assert behind == ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize(
    "where", ["127.0.0.1:8000", ":8000", "[::]:8000", "web.internal:80", "unix:/run/a", "unix:///run/a"]
)
def test_the_web_may_listen_at(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, SECRET_KEY="x", WEB_BIND=where)["WEB_BIND"] == where


def settings_read() -> dict[str, ast.Call]:
    """Return each setting's name with the call that reads it."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(node, ast.Call)]
    members = {**vars(environment), **vars(database_urls)}
    readers = {name for name, member in members.items() if inspect.isfunction(member)}
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in readers]
    return {
        call.args[0].value: call
        for call in named
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def table() -> dict[str, tuple[str, str]]:
    """Return each documented setting's name with its default and what is allowed."""
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE
    )
    return {name: (default, allowed) for name, default, allowed in rows}


def test_the_table_names_exactly_the_settings_that_are_read() -> None:
    assert sorted(table()) == sorted(settings_read())


def test_the_table_gives_the_defaults_and_bounds_of_numbers() -> None:
    for name, call in settings_read().items():
        if isinstance(call.func, ast.Name) and call.func.id == "number":
            least, most = (ast.literal_eval(keyword.value) for keyword in call.keywords)
            default, allowed = table()[name]
            assert default == f"`{ast.literal_eval(call.args[1])}`"
            assert re.fullmatch(rf"{least} to {most}( ms| s| days| bytes)?", allowed), name
