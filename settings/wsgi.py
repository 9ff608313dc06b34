"""The WSGI entry point for web servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
_django = get_wsgi_application()

from web.forms import with_readable_content_type  # noqa: E402 - as above
from web.server.chunked_bodies import with_chunked_bodies  # noqa: E402 - the settings are read by now

application = with_readable_content_type(with_chunked_bodies(_django))
