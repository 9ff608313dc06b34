"""Run the Procfile's processes in one terminal until Ctrl-C or SIGTERM, either of which is a good end: exit 0."""

import sys
from typing import Final

from honcho.command import main

ENDED_ON_REQUEST: Final = {130, 143}
"""honcho's exit status after SIGINT and after SIGTERM."""


def where(address: str) -> str:
    """Return at which addresses a browser on this machine finds the pages."""
    if "/" in address:
        return f"Books and the admin are at {address}, which needs a proxy before a browser can open them"
    host, _, port = address.rpartition(":")
    own = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - nothing listens here
    return f"Books is at http://{own}:{port}/books/, the admin at http://{own}:{port}/admin/"


def run(address: str) -> int:
    """Print the address of the web, run the processes, and return the exit status."""
    sys.stdout.write(
        f"{where(address)}: log in to both as admin, with the password of the first `make run`. Ctrl-C ends it.\n"
    )
    sys.stdout.flush()
    try:
        main(["start"])
    except SystemExit as ended:
        return 0 if ended.code in ENDED_ON_REQUEST else int(ended.code or 0)
    return 0


if __name__ == "__main__":
    from django.conf import settings

    sys.exit(run(settings.WEB_BIND))
