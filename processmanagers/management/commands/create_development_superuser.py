"""`manage.py create_development_superuser`: create a superuser for the admin on a developer's machine."""

import secrets
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError

from eventstore.management.base import ConsoleCommand, require_all_migrated

USERNAME: Final = "admin"


class Command(ConsoleCommand):
    """Create the superuser `admin` with a random password and print the password once."""

    needs_database = False  # it looks at DEBUG first
    help = "Create the superuser `admin` if there is none and print its password; works only with DEBUG."

    def handle(self, *_args: object, **_options: object) -> None:
        """Create the superuser, or say how to set a new password for the existing one."""
        if not settings.DEBUG:
            raise CommandError("create_development_superuser works only with DEBUG=true; use createsuperuser")
        require_all_migrated()
        if User.objects.filter(username=USERNAME).exists():
            again = f"DEBUG=true .venv/bin/python manage.py changepassword {USERNAME}"
            self.stdout.write(f"The superuser {USERNAME} exists; for a new password: {again}")
            return
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(USERNAME, password=password)
        self.stdout.write(f"Created the superuser {USERNAME} for development, with the password {password}")
