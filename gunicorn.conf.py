"""How gunicorn serves the web: `gunicorn settings.wsgi`, which reads this file."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from django.conf import settings

bind = settings.WEB_BIND
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "gthread"
# Commands take milliseconds; what waits, waits no longer than ten seconds.
timeout = 30
graceful_timeout = 30
