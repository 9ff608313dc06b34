"""Sends each table to its database: read models to READ_DATABASE, the log and everything else to the default one."""

from typing import Any

from django.conf import settings
from django.db.models import Model

from eventstore.models import CONSUMER_TABLES

_CONSUMER_TABLES = frozenset(table._meta.model_name for table in CONSUMER_TABLES)  # noqa: SLF001 - Django's own name


class ReadModelRouter:
    """Read models and their checkpoints lie in READ_DATABASE; process managers' checkpoints beside the events.

    A caller that wants a process manager's checkpoint names the default database.
    """

    def _is_read_model(self, model: type[Model]) -> bool:
        return model._meta.app_label == "projectors" or model in CONSUMER_TABLES  # noqa: SLF001 - Django's own name

    def db_for_read(self, model: type[Model], **_hints: Any) -> str | None:
        """Return READ_DATABASE for read models and checkpoints, no opinion otherwise."""
        return settings.READ_DATABASE if self._is_read_model(model) else None

    def db_for_write(self, model: type[Model], **_hints: Any) -> str | None:
        """Return READ_DATABASE for read models and checkpoints, no opinion otherwise."""
        return settings.READ_DATABASE if self._is_read_model(model) else None

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **_hints: Any) -> bool:
        """Create each table in its own database; the tables of consumers exist in both."""
        if db == settings.LOG_REPLICA:
            return False
        if app_label == "projectors":
            return db == settings.READ_DATABASE
        if app_label == "eventstore" and model_name in _CONSUMER_TABLES:
            return True
        return db == "default"
