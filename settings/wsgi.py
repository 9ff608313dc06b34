"""The WSGI entry point for web servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
_application = get_wsgi_application()

from web.chunked_bodies import with_chunked_bodies  # noqa: E402 - the settings are read by now

application = with_chunked_bodies(_application)
