"""Logging: one line for each record on standard error, as JSON for machines or as text for people."""

import logging
from typing import Any, Final

import structlog

_FIRST_FAILURE: Final = 500


def configured(form: str, level: str) -> dict[str, Any]:
    """Return the value of the setting LOGGING; `form` is json or text."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        ending += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # Rich tracebacks would show the values of variables, among them secrets.
        plain = structlog.dev.plain_traceback
        ending.append(structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain))
    formatter = {"()": structlog.stdlib.ProcessorFormatter, "foreign_pre_chain": shared, "processors": ending}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "filters": {"failures": {"()": Failures}, "terse": {"()": Terse}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["terse"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # web.request_log logs each request. Only an uncaught exception adds something.
            "django.request": {"filters": ["failures"]},
            "gunicorn.error": {"handlers": [], "level": level, "propagate": True},
            # It warns of each answer to HEAD that has a body, though it rightly omits the body.
            "gunicorn.http.wsgi": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
        },
    }


class Failures:
    """Keeps only the records of requests that failed; a refused request is not a failure."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record has a traceback and is of no answer below 500."""
        return bool(record.exc_info) and getattr(record, "status_code", _FIRST_FAILURE) >= _FIRST_FAILURE


class Terse:
    """Removes a record's request, whose query may be confidential, and the traceback of a refused request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record."""
        vars(record).pop("request", None)
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True
