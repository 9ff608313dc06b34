"""Daybook's settings: the one package that reads the environment.

Every value is read once, when Django starts. A wrong value is refused with its name and the values that are allowed.
docs/settings.md describes each setting.
"""

import os
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from csp.constants import NONE, SELF

from eventstore.runtime.databases import for_a_log, for_a_replica, read_only_sqlite
from eventstore.runtime.sqlite_files import ExistingFile
from settings import logs
from settings.database_urls import POSTGRES, database_url, given_url, sqlite_path
from settings.environment import (
    Fault,
    choice,
    flag,
    folder,
    hosts,
    is_writable,
    label,
    listed,
    listening_address,
    missing,
    misspelt,
    networks,
    number,
    origins,
    secret,
    secret_key,
    time_zone,
)

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = flag("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY", "") or ("development-only-and-not-a-secret" if DEBUG else "")
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

HYDRATION_DELAY_MS = number("HYDRATION_DELAY", 1000, least=0, most=600_000)
HYDRATION_DELAY_ENTROPY_MS = number("HYDRATION_DELAY_ENTROPY", 100, least=0, most=600_000)
CONSUMER_POLL_INTERVAL_MS = number("CONSUMER_POLL_INTERVAL", 500, least=10, most=60_000)
CONSUMER_BATCH_SIZE = number("CONSUMER_BATCH_SIZE", 1000, least=1, most=100_000)
CONSUMER_RANGE_SIZE = number("CONSUMER_RANGE_SIZE", 50_000, least=1, most=1_000_000)
DAILY_CYCLE_PERIOD_S = number("DAILY_CYCLE_PERIOD", 3600, least=1, most=86_400)
DAILY_CYCLE_MAX_GAP_DAYS = number("DAILY_CYCLE_MAX_GAP", 366, least=1, most=100_000)
AGGREGATE_CACHE_SIZE = number("AGGREGATE_CACHE_SIZE", 10_000, least=1, most=10_000_000)
COMMAND_MAX_ATTEMPTS = number("COMMAND_MAX_ATTEMPTS", 5, least=1, most=100)
IDEMPOTENCY_KEY_LIFETIME_DAYS = number("IDEMPOTENCY_KEY_LIFETIME", 30, least=1, most=36_500)
PREPARED_STATEMENTS = flag("PREPARED_STATEMENTS", default=True)
APPEND_LOCK_TIMEOUT_MS = number("APPEND_LOCK_TIMEOUT", 10_000, least=100, most=600_000)
APPEND_LOCK_IDLE_TIMEOUT_MS = number("APPEND_LOCK_IDLE_TIMEOUT", 2000, least=100, most=600_000)
PAYLOAD_MAX_BYTES = number("PAYLOAD_MAX_BYTES", 4_194_304, least=1024, most=268_435_456)
APPEND_MAX_BYTES = number("APPEND_MAX_BYTES", 67_108_864, least=1024, most=536_870_912)
IDLE_IN_TRANSACTION_TIMEOUT_MS = number("IDLE_IN_TRANSACTION_TIMEOUT", 10_000, least=100, most=3_600_000)
LEDGER_HOME = label("LEDGER_HOME", "")
SEAL_KEY = secret_key("SEAL_KEY")
SEAL_PUBLIC_KEYS = listed("SEAL_PUBLIC_KEYS", "", "[0-9a-f]{64}", "public keys of 64 hexadecimal digits, with commas")
JETSTREAM_URL = listed(
    "JETSTREAM_URL", "", r"(nats|tls)://[^\s,]+", "addresses such as nats://host:4222, separated by commas", secret=True
)
JETSTREAM_STREAM = label("JETSTREAM_STREAM", "daybook")
JETSTREAM_REPLICAS = number("JETSTREAM_REPLICAS", 1, least=1, most=5)
WEBHOOKS = flag("WEBHOOKS", default=False)
WEBHOOK_NETWORKS = networks("WEBHOOK_NETWORKS")
BUSINESS_TIME_ZONE = time_zone("BUSINESS_TIME_ZONE", "America/Los_Angeles")


def _sqlite(config: dict[str, Any]) -> dict[str, Any]:
    path, mode = sqlite_path(config, BASE_DIR)
    config["OPTIONS"]["factory"] = ExistingFile
    if mode == "ro" or not is_writable(path):
        return read_only_sqlite(config, path)
    config["NAME"] = str(path)
    return for_a_log(config, append_lock_ms=APPEND_LOCK_TIMEOUT_MS)


def _postgres(config: dict[str, Any]) -> dict[str, Any]:
    return for_a_log(
        config,
        append_lock_ms=APPEND_LOCK_TIMEOUT_MS,
        append_lock_idle_ms=APPEND_LOCK_IDLE_TIMEOUT_MS,
        idle_in_transaction_ms=IDLE_IN_TRANSACTION_TIMEOUT_MS,
        keeps_sessions=PREPARED_STATEMENTS,
    )


def _database(config: dict[str, Any]) -> dict[str, Any]:
    return _sqlite(config) if config["ENGINE"] == "django.db.backends.sqlite3" else _postgres(config)


def _replica(config: dict[str, Any]) -> dict[str, Any]:
    """Only PostgreSQL has streaming replicas."""
    if config["ENGINE"] == "django.db.backends.sqlite3":
        raise Fault("only PostgreSQL has streaming replicas")
    return for_a_replica(_postgres(config))


DATABASE_IS_NAMED = "DATABASE_URL" in os.environ
# makemigrations compares with a database only if there is one.
warnings.filterwarnings("ignore", "Got an error checking .* does not exist: run manage.py migrate", RuntimeWarning)
_default_url = f"sqlite:///{quote(str(BASE_DIR / 'daybook.sqlite3'))}"
DATABASES = {"default": database_url("DATABASE_URL", _default_url, _database)}
# READ_DATABASE_URL gets an alias of its own only if it names another database: two aliases of one SQLite file would be
# two connections that wait for each other's write lock.
READ_DATABASE = "default"
if given_url("READ_DATABASE_URL", "") not in ("", given_url("DATABASE_URL", _default_url)):
    DATABASES["read"] = database_url("READ_DATABASE_URL", "", _database)
    READ_DATABASE = "read"
LOG_REPLICA = ""
LOG_REPLICA_WAIT_MS = number("LOG_REPLICA_WAIT", 200, least=0, most=10_000)
if given_url("LOG_REPLICA_URL", ""):
    DATABASES["log_replica"] = database_url("LOG_REPLICA_URL", "", _replica, allowed=POSTGRES)
    LOG_REPLICA = "log_replica"
DATABASE_ROUTERS = ["projectors.database_router.ReadModelRouter"]
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
    "csp",
    "axes",
    "eventstore",
    "ledger",
    "projectors",
    "processmanagers",
    "relays",
    "web",
]
MIDDLEWARE = [
    "web.request_log.RequestMiddleware",
    "web.security.SecurityMiddleware",
    "web.security.PolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.protocol.middleware.CompressionMiddleware",
    "web.probes.UnmigratedMiddleware",
    "web.protocol.middleware.ProblemMiddleware",
    "web.protocol.middleware.MethodMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "web.security.CommonMiddleware",
    "web.forms.BodyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "web.protocol.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "web.durable_answers.DurableAnswersMiddleware",
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
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Without collectstatic, files are served from the packages that contain them, uncompressed.
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "admin").is_dir()
WHITENOISE_ALLOW_ALL_ORIGINS = False
AUTHENTICATION_BACKENDS = ["web.lockout.LockOut", "django.contrib.auth.backends.ModelBackend"]
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

WEB_BIND = listening_address("WEB_BIND", "127.0.0.1:8000")
WEB_WORKERS = number("WEB_WORKERS", 2, least=1, most=100)
WEB_THREADS = number("WEB_THREADS", 16, least=1, most=1000)
WEB_CLIENT_TIMEOUT_S = number("WEB_CLIENT_TIMEOUT", 30, least=1, most=3600)
WEB_PROXIES = number("WEB_PROXIES", 0, least=0, most=10)
METRICS_DIRECTORY = folder("PROMETHEUS_MULTIPROC_DIR")
LOGGING = logs.configured(
    choice("LOG_FORMAT", "text" if DEBUG else "json", "json", "text"),
    choice("LOG_LEVEL", "info", "debug", "info", "warning", "error").upper(),
)

HTTPS_ONLY = flag("HTTPS_ONLY", default=not DEBUG)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SILENCED_SYSTEM_CHECKS = ["security.W001"]  # it looks for Django's own middleware; web.security extends it
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = number("HSTS_SECONDS", 31_536_000, least=0, most=63_072_000) * HTTPS_ONLY
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("HSTS_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = flag("HSTS_PRELOAD", default=True)
# Without a proxy of ours, any client could send this header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if WEB_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "web.security.refused_form"
CSRF_TRUSTED_ORIGINS = origins("CSRF_TRUSTED_ORIGINS", "")
SESSION_ENGINE = "web.sessions"
SESSION_COOKIE_AGE = number("SESSION_LIFETIME", 43_200, least=60, most=2_592_000)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # icons in Swagger's style sheet
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
AXES_FAILURE_LIMIT = number("LOGIN_FAILURES", 5, least=1, most=1000)
AXES_COOLOFF_TIME = timedelta(seconds=number("LOGIN_COOL_OFF", 900, least=1, most=86_400))
# Counted by name and address together: nobody can lock out a user who logs in from another address.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "web.lockout.locked_out"
AXES_CLIENT_IP_CALLABLE = "web.lockout.address"
AXES_USERNAME_CALLABLE = "web.lockout.username"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = False
TOKEN_REQUESTS_PER_MINUTE = number("TOKEN_REQUESTS_PER_MINUTE", 60, least=1, most=100_000)
STREAM_LIFETIME_S = number("STREAM_LIFETIME", 300, least=1, most=3600)
API_TOKEN_LIFETIME_S = number("API_TOKEN_LIFETIME", 3600, least=60, most=86_400)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
OAUTH2_PROVIDER = {
    # Only client credentials are used. The other rules of RFC 9700 are on too, so that no weaker grant can be enabled
    # by mistake.
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
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",  # supports no other grant
    "ACCESS_TOKEN_EXPIRE_SECONDS": API_TOKEN_LIFETIME_S,
    "SCOPES": {"ledger": "What the client's permissions allow"},
    "DEFAULT_SCOPES": ["ledger"],
}
MISSPELT_VARIABLES = misspelt()
"""Environment variables that are not settings, each with the setting whose name is similar."""
# Only now is every setting read, so that a misspelt one is named beside what is missing because of it.
if not SECRET_KEY:
    raise missing("SECRET_KEY", "set it to a long random text, or set DEBUG=true for development", MISSPELT_VARIABLES)
if not (DATABASE_IS_NAMED or DEBUG):
    raise missing(
        "DATABASE_URL",
        f"name the database of the log, such as {POSTGRES}, or set DEBUG=true for development on an SQLite file",
        MISSPELT_VARIABLES,
    )
