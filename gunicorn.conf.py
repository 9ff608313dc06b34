"""How gunicorn serves the web: `gunicorn settings.wsgi`, which reads this file."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from gunicorn.workers.base import Worker

# Each worker counts in files of its own, and /metrics adds them up. prometheus_client looks for their folder when it is
# first imported, so the folder is named before all other imports. Its name contains the process id: a new gunicorn that
# replaces an old one (SIGUSR2) inherits the old one's environment and must not count in its folder.
_pid = os.getpid()
_prefix = "daybook-metrics-"
_own = f"{_prefix}{_pid}-"
_given = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")).name
if not _given or (_given.startswith(_prefix) and not _given.startswith(_own)):
    try:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_own)
    except OSError as failed:
        sys.exit(f"Daybook does not start: no folder for metrics can be made in TMPDIR: {failed}")
    atexit.register(lambda: os.getpid() == _pid and shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

try:
    bind = settings.WEB_BIND
except ImproperlyConfigured as refused:
    sys.exit(f"Daybook does not start: {refused}")
for name, setting in settings.MISSPELT_VARIABLES.items():
    sys.stderr.write(f"warning: {name} is not a setting; was {setting} meant?\n")
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "gthread"
# Threads and connections to databases do not survive a fork, so each worker loads the application itself.
preload_app = False
# A worker whose main thread shows no sign of life for so many seconds is replaced. Its other threads may take longer.
timeout = 30
# After SIGTERM, requests under way have so many seconds to end.
graceful_timeout = 30
keepalive = 5
limit_request_line = 8190
# Files are sent as any other answer, so that the limit on slow clients holds for them too.
sendfile = False
# The client's address is derived from WEB_PROXIES alone (web/addresses.py).
forwarded_allow_ips = ""
# Workers show signs of life by touching a file, which must not be on a slow disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes a file of its own
control_socket_disable = True
# The application logs each request, with more than gunicorn knows of it.
accesslog = None
logging.captureWarnings(capture=True)
warnings.filterwarnings("ignore", "No directory at", UserWarning)  # whitenoise's, if static files are not collected
logconfig_dict = settings.LOGGING


def post_fork(_server: object, worker: Worker) -> None:
    """Accept connections that limit how long a client may hold a thread."""
    from web.server import connections  # noqa: PLC0415 - a worker imports Django after the fork

    worker.sockets = connections.listeners(worker.sockets)


def post_worker_init(worker: Worker) -> None:
    """Load the code of all views; end streams when their worker is asked to end, because it would wait for them."""
    from web.api import event_stream  # noqa: PLC0415 - Django is set up by now
    from web.server import loading  # noqa: PLC0415

    loading.load()
    event_stream.ends_when(lambda: not worker.alive)


def post_request(_worker: Worker, request: Any, environ: dict[str, Any], _response: object) -> None:
    """Read what is left of the request's body, so that closing the connection does not destroy the answer."""
    from web.server import connections  # noqa: PLC0415 - a worker imports Django after the fork

    connections.discard_body(environ.get("gunicorn.socket"), request.body)


def child_exit(_server: object, worker: Worker) -> None:
    """Keep the counts of a worker that has ended."""
    from web.server import worker_counts  # noqa: PLC0415 - the folder is named by now

    worker_counts.merge(os.environ["PROMETHEUS_MULTIPROC_DIR"], worker.pid)
