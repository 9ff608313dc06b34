"""Daybook's settings: the one module that reads the environment.

Every value is read once, when Django starts, and a wrong one is refused with its name and what is allowed. The table
in docs/settings.md explains each of them.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
Value = TypeVar("Value")


def _text(name: str, default: str) -> str:
    """Read a value as it is: what begins with a dollar sign, as a good secret may, is not another variable's name."""
    return str(env.ENVIRON.get(name, default))


def _read(name: str, read: Callable[[], Value], allowed: str, *, secret: bool = False) -> Value:
    try:
        return read()
    except (ValueError, TypeError, KeyError, OSError, ImproperlyConfigured) as error:
        given = "" if secret else f"={env.ENVIRON.get(name)!r}"
        message = f"{name}{given} is not allowed: it must be {allowed}"
        raise ImproperlyConfigured(message) from error


def _flag(name: str, *, default: bool) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    text = _text(name, str(default)).strip().lower()
    return _read(name, lambda: words[text], "one of true, false, yes, no, on, off, 1, 0")


def _number(name: str, default: int, *, least: int, most: int) -> int:
    def read() -> int:
        text = _text(name, str(default)).strip()
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError
        return int(text)

    return _read(name, read, f"a whole number from {least} to {most}")


def _time_zone(name: str, default: str) -> str:
    # ZoneInfoNotFoundError is a KeyError; the name of a directory of zones is an OSError.
    allowed = "the name of an IANA time zone, such as America/Los_Angeles"
    return _read(name, lambda: ZoneInfo(_text(name, default)).key, allowed)


def _hosts(name: str, default: str) -> list[str]:
    def read() -> list[str]:
        hosts = [host.strip() for host in _text(name, default).split(",")]
        if not all(re.fullmatch(r"\*|\.?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host) for host in hosts):
            raise ValueError
        return hosts

    return _read(name, read, "host names with commas between them, without scheme or port")


DEBUG = _flag("DEBUG", default=False)
SECRET_KEY = _text("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        _missing = "SECRET_KEY is missing: set it to a long random text, or set DEBUG=true for development"
        raise ImproperlyConfigured(_missing)
    SECRET_KEY = "development-only-and-not-a-secret"  # noqa: S105 - DEBUG alone may use it
ALLOWED_HOSTS = _hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

HYDRATION_DELAY_MS = _number("HYDRATION_DELAY", 1000, least=0, most=600_000)
HYDRATION_DELAY_ENTROPY_MS = _number("HYDRATION_DELAY_ENTROPY", 100, least=0, most=600_000)
CONSUMER_POLL_INTERVAL_MS = _number("CONSUMER_POLL_INTERVAL", 500, least=10, most=60_000)
CONSUMER_BATCH_SIZE = _number("CONSUMER_BATCH_SIZE", 1000, least=1, most=100_000)
DAILY_CYCLE_PERIOD_S = _number("DAILY_CYCLE_PERIOD", 3600, least=1, most=86_400)
DAILY_CYCLE_MAX_GAP_DAYS = _number("DAILY_CYCLE_MAX_GAP", 366, least=1, most=100_000)
AGGREGATE_CACHE_SIZE = _number("AGGREGATE_CACHE_SIZE", 10_000, least=1, most=10_000_000)
COMMAND_MAX_ATTEMPTS = _number("COMMAND_MAX_ATTEMPTS", 5, least=1, most=100)
IDEMPOTENCY_KEY_LIFETIME_DAYS = _number("IDEMPOTENCY_KEY_LIFETIME", 30, least=1, most=36_500)
PREPARED_STATEMENTS = _flag("PREPARED_STATEMENTS", default=True)
IDLE_IN_TRANSACTION_TIMEOUT_MS = _number("IDLE_IN_TRANSACTION_TIMEOUT", 10_000, least=100, most=3_600_000)
BUSINESS_TIME_ZONE = _time_zone("BUSINESS_TIME_ZONE", "America/Los_Angeles")


def _sqlite(config: dict[str, Any]) -> dict[str, Any]:
    """Name the file in full, relative to the project; one in memory would be another one for each thread."""
    path = BASE_DIR / config["NAME"]
    if config["NAME"].startswith((":memory:", "file:")) or path.is_dir() or not path.parent.is_dir():
        raise ValueError
    config["NAME"] = str(path)
    config["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 60,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    return config


def _postgres(config: dict[str, Any]) -> dict[str, Any]:
    if not config["NAME"]:
        raise ValueError
    timeout = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}"
    given = config["OPTIONS"].get("options", "")
    config["OPTIONS"]["options"] = f"{given} {timeout}".strip()
    return config | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}


def _database(name: str, default: str) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        url = _text(name, default)
        if not url.startswith(("sqlite:///", "postgres:", "postgresql:", "psql:")):
            raise ValueError
        config: dict[str, Any] = {"OPTIONS": {}} | env.db_url_config(url)
        return _sqlite(config) if config["ENGINE"] == "django.db.backends.sqlite3" else _postgres(config)

    allowed = (
        "postgres://user:password@host:5432/name, or sqlite:////path/to/file.sqlite3 for a file in a folder that exists"
    )
    return _read(name, read, allowed, secret=True)


_default_url = f"sqlite:///{BASE_DIR / 'daybook.sqlite3'}"
DATABASES = {"default": _database("DATABASE_URL", _default_url)}
# Note [One alias where one database is meant]: two aliases on one SQLite file would be two connections that wait for
# each other's write lock, so READ_DATABASE_URL gets an alias of its own only where it names another database.
READ_DATABASE = "default"
if _text("READ_DATABASE_URL", "") not in ("", _text("DATABASE_URL", _default_url)):
    DATABASES["read"] = _database("READ_DATABASE_URL", "")
    READ_DATABASE = "read"
DATABASE_ROUTERS = ["projectors.routing.ReadModelRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "ninja",
    "oauth2_provider",
    "eventstore",
    "ledger",
    "projectors",
    "processmanagers",
]
MIDDLEWARE = [
    "ledger.api.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "settings.urls"
WSGI_APPLICATION = "settings.wsgi.application"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
WHITENOISE_USE_FINDERS = DEBUG
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

WEB_BIND = _text("WEB_BIND", "127.0.0.1:8000")
WEB_WORKERS = _number("WEB_WORKERS", 2, least=1, most=100)
WEB_THREADS = _number("WEB_THREADS", 16, least=1, most=1000)
API_TOKEN_LIFETIME_S = _number("API_TOKEN_LIFETIME", 3600, least=60, most=86_400)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
OAUTH2_PROVIDER = {
    # Client credentials only: what else RFC 9700 asks for is on too, so that nothing weaker can be reached by mistake.
    **{
        f"COMPLIANT_BCP_RFC9700_{name}": True
        for name in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
    "ACCESS_TOKEN_EXPIRE_SECONDS": API_TOKEN_LIFETIME_S,
    "SCOPES": {"ledger": "What the client's permissions allow"},
    "DEFAULT_SCOPES": ["ledger"],
}
