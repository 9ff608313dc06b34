"""`manage.py check_web_address`: whether the web can be served where it is meant to be, before anything is begun."""

import socket
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from eventstore.management.base import ConsoleCommand


class Command(ConsoleCommand):
    """Refuses an address that somebody else serves."""

    needs_database = False  # it runs before the migrations
    help = "Fails where something listens already at WEB_BIND."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Try to listen there; a socket that is named or handed over is not tried."""
        host, _, port = settings.WEB_BIND.rpartition(":")
        if not port.isdecimal() or "/" in settings.WEB_BIND:
            return
        try:
            socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()
        except OSError as error:
            raise CommandError(
                f"nothing can listen at WEB_BIND={settings.WEB_BIND} ({error.strerror}): end what does, or name another"
                " address, such as WEB_BIND=127.0.0.1:8001"
            ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if host.startswith("[") else socket.AF_INET
