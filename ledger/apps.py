"""The app's place in Django."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The ledger."""

    name = "ledger"
    verbose_name = "The ledger"
