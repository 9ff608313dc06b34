"""`manage.py check_web_address`: check that the web can listen at WEB_BIND before anything is started."""

import errno
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from eventstore.management.base import ConsoleCommand


class Command(ConsoleCommand):
    """Fails if nothing can listen at WEB_BIND."""

    needs_database = False  # it runs before the migrations
    help = "Checks that the web can listen at WEB_BIND; fails if another process does."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Try to listen there. A Unix socket, or one that is handed over, is not tried."""
        host, _, port = settings.WEB_BIND.rpartition(":")
        if not port.isdecimal() or "/" in settings.WEB_BIND:
            return
        try:
            socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()
        except OSError as error:
            raise CommandError(
                f"nothing can listen at WEB_BIND={settings.WEB_BIND} ({error.strerror}):"
                f" {'end the process that does, or ' if error.errno == errno.EADDRINUSE else ''}name another address,"
                " such as WEB_BIND=127.0.0.1:8001"
            ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if host.startswith("[") else socket.AF_INET
