"""Daybook's settings: the one module that reads the environment.

Every value is read once, when Django starts, and a wrong one is refused with its name and what is allowed. The table
in docs/settings.md explains each of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def _read(name: str, read: Callable[[], Any], allowed: str) -> Any:
    try:
        return read()
    except (ValueError, TypeError, KeyError, ImproperlyConfigured) as error:
        given = env.ENVIRON.get(name)
        message = f"{name}={given!r} is not allowed: it must be {allowed}"
        raise ImproperlyConfigured(message) from error


def _flag(name: str, *, default: bool) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    text = str(env.str(name, str(default))).strip().lower()
    return bool(_read(name, lambda: words[text], "one of true, false, yes, no, on, off, 1, 0"))


def _number(name: str, default: int, *, least: int, most: int) -> int:
    def read() -> int:
        value = int(env.str(name, str(default)))
        if not least <= value <= most:
            raise ValueError
        return value

    return int(_read(name, read, f"a whole number from {least} to {most}"))


def _time_zone(name: str, default: str) -> str:
    def read() -> str:
        try:
            return ZoneInfo(env.str(name, default)).key
        except ZoneInfoNotFoundError as error:
            raise ValueError from error

    return str(_read(name, read, "the name of an IANA time zone, such as America/Los_Angeles"))


DEBUG = _flag("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        _missing = "SECRET_KEY is missing: set it to a long random text, or set DEBUG=true for development"
        raise ImproperlyConfigured(_missing)
    SECRET_KEY = "development-only-and-not-a-secret"  # noqa: S105 - DEBUG alone may use it
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])

HYDRATION_DELAY_MS = _number("HYDRATION_DELAY", 1000, least=0, most=600_000)
HYDRATION_DELAY_ENTROPY_MS = _number("HYDRATION_DELAY_ENTROPY", 100, least=0, most=600_000)
CONSUMER_POLL_INTERVAL_MS = _number("CONSUMER_POLL_INTERVAL", 500, least=10, most=60_000)
CONSUMER_BATCH_SIZE = _number("CONSUMER_BATCH_SIZE", 1000, least=1, most=100_000)
DAILY_CYCLE_PERIOD_S = _number("DAILY_CYCLE_PERIOD", 3600, least=1, most=86_400)
DAILY_CYCLE_MAX_GAP_DAYS = _number("DAILY_CYCLE_MAX_GAP", 366, least=1, most=100_000)
AGGREGATE_CACHE_SIZE = _number("AGGREGATE_CACHE_SIZE", 10_000, least=1, most=10_000_000)
COMMAND_MAX_ATTEMPTS = _number("COMMAND_MAX_ATTEMPTS", 5, least=1, most=100)
IDLE_IN_TRANSACTION_TIMEOUT_MS = _number("IDLE_IN_TRANSACTION_TIMEOUT", 10_000, least=100, most=3_600_000)
BUSINESS_TIME_ZONE = _time_zone("BUSINESS_TIME_ZONE", "America/Los_Angeles")


def _database(name: str, default: str) -> dict[str, Any]:
    allowed = "a URL such as sqlite:////path/to/file.sqlite3 or postgres://user:password@host:5432/name"

    def read() -> dict[str, Any]:
        url = env.str(name, default)
        if not url.startswith(("sqlite:", "postgres:", "postgresql:", "psql:")):
            raise ValueError
        return dict(env.db_url_config(url))

    config: dict[str, Any] = _read(name, read, allowed)
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        options["transaction_mode"] = "IMMEDIATE"
        options["timeout"] = 60
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    else:
        config["CONN_MAX_AGE"] = None
        config["CONN_HEALTH_CHECKS"] = True
        given = options.get("options", "")
        timeout = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}"
        options["options"] = f"{given} {timeout}".strip()
    return config


_default_url = f"sqlite:///{BASE_DIR / 'daybook.sqlite3'}"
DATABASES = {"default": _database("DATABASE_URL", _default_url)}
# Note [One alias where one database is meant]: two aliases on one SQLite file would be two connections that wait for
# each other's write lock, so READ_DATABASE_URL gets an alias of its own only where it names another database.
READ_DATABASE = "default"
if env.str("READ_DATABASE_URL", "") not in ("", env.str("DATABASE_URL", _default_url)):
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
    "eventstore",
    "ledger",
    "projectors",
    "processmanagers",
]
MIDDLEWARE = [
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
