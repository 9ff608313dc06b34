"""How everything is logged: one line each on standard error, as JSON for machines or as text for people."""

import logging
from typing import Any

import structlog


def configured(form: str, level: str) -> dict[str, Any]:
    """Return the settings of logging; `form` is json or text."""
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
            # Each request has its line already; only what nobody caught says more.
            "django.request": {"filters": ["failures"]},
            "gunicorn.error": {"handlers": [], "level": level, "propagate": True},
            # It warns of each answer to HEAD that has a body, which it then leaves out, as it should.
            "gunicorn.http.wsgi": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
        },
    }


class Failures:
    """Lets pass only what has a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record has one."""
        return bool(record.exc_info)


class Terse:
    """Leaves out of a record its request, whose query is nobody's business, and of a request refused its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let it pass."""
        vars(record).pop("request", None)
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True
