"""How gunicorn serves the web: `gunicorn settings.wsgi`, which reads this file."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from gunicorn.workers.base import Worker

# Each worker counts in files of its own, which /metrics adds up. prometheus_client looks for their directory when it is
# first imported, so it is named before anything else; and it is named after the process, so that a new gunicorn that
# takes over from an old one (SIGUSR2) does not count in the other's.
_pid = os.getpid()
_own = f"daybook-metrics-{_pid}-"
if _own not in os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_own)
    atexit.register(lambda: os.getpid() == _pid and shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

try:
    bind = settings.WEB_BIND
except ImproperlyConfigured as refused:
    sys.exit(f"Daybook does not start: {refused}")
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "web.worker.Worker"  # gthread, with patience for no client
# Threads and connections to databases do not survive a fork: each worker loads the application itself.
preload_app = False
# How long a worker may show no sign of life; its threads may take longer, as they stream and wait.
timeout = 30
# How long commands that are under way have to end when the server is told to.
graceful_timeout = 30
keepalive = 5
limit_request_line = 8190
# Where they look from is told by WEB_PROXIES alone.
forwarded_allow_ips = ""
# Signs of life are files: not on a disk, which may be slow.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes a file of its own
control_socket_disable = True
# Each request has its line from the application, with what gunicorn does not know.
accesslog = None
logging.captureWarnings(capture=True)
warnings.filterwarnings("ignore", "No directory at", UserWarning)  # whitenoise's, where static files are not collected
logconfig_dict = settings.LOGGING


def post_worker_init(worker: Worker) -> None:
    """Let streams end with their worker, which would wait for them else."""
    from web.api import event_stream  # noqa: PLC0415 - Django is set up by now

    event_stream.ends_when(lambda: not worker.alive)


def child_exit(_server: object, worker: Worker) -> None:
    """Keep what a worker counted that has ended."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - the directory is named by now

    mark_process_dead(worker.pid)
