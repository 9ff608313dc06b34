"""Has the resident process run manage.py, in the caller's folder and with its standard input, output and error.

`python -S …/asking.py SOCKET ARGUMENT…` is typed in the place of `manage.py ARGUMENT…`.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support.resident.requests import Request, connect, receive_number


def ask(address: str, arguments: list[str]) -> int:
    """Have a command run, and return its exit status."""
    folder = str(Path.cwd())
    with connect(address) as server:
        Request([sys.executable, "manage.py", *arguments], folder, dict(os.environ)).send(server, [0, 1, 2])
        receive_number(server)  # the pid
        return receive_number(server)


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
